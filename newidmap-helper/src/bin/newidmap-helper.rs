//! newidmap-helper: see newidmap-helper(8).
#![no_std]
#![no_main]
#![no_builtins]

#[path = "../start.rs"]
mod start;
