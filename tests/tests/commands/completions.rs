//! `subroot completions`: each shell completes a line that is typed at a terminal.

mod editor;
mod installed;
mod kinds;
