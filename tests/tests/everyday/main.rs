//! What users do every day in a real Debian, without privilege: one file for each job.

mod job;

mod accounts;
mod archive;
mod ci_contract;
mod compile;
mod daemons;
mod deb_build;
mod files;
mod git;
mod guide;
mod loopback;
mod many_jobs;
mod nested;
mod nginx;
mod npm;
mod packages;
mod pip;
mod postgresql;
mod process_tree;
mod readme;
mod root_copy;
mod ssh;
mod streams;
mod switch_user;
mod terminals;

use subroot_tests::running;
