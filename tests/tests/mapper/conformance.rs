//! newuidmap and newgidmap compared with shadow's: the same cases run on both, and every difference is
//! listed.

mod case;
mod differences;
mod effect;
mod suite;

mod accounts;
mod command_line;
mod environment;
mod grant_files;
mod grant_lines;
mod groups;
mod in_turn;
mod live_accounts;
mod numbers;
mod own_id;
mod ranges;
mod reserved_ids;
mod root;
mod setgroups;
mod target_names;
mod targets;
mod unions;
mod wording;
