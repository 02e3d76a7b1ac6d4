//! What people do every day, in a real Debian, as a plain user: one file a job.

mod job;

mod accounts;
mod archive;
mod compile;
mod cron;
mod deb_build;
mod files;
mod git;
mod loopback;
mod nested;
mod nginx;
mod npm;
mod packages;
mod pip;
mod postgresql;
mod ssh;
mod switch_user;

use subroot_tests::running;
