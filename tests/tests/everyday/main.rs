//! What people do every day, in a real Debian, as a plain user: one file a job.

mod job;

mod archive;
mod compile;
mod cron;
mod deb_build;
mod git;
mod nginx;
mod npm;
mod packages;
mod pip;
mod postgresql;
mod ssh;

use subroot_tests::running;
