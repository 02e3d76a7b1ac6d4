//! What people do every day, in a real Debian, as a plain user: one file a job.

mod job;

mod cron;
mod deb_build;
mod nginx;
mod packages;
mod postgresql;
mod ssh;

use subroot_tests::running;
