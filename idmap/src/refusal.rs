//! The sentence of a refusal: which range, and what is granted instead.

use crate::config::CONFIG_FILE;
use crate::grants::Void;
use crate::kind::IdKind;
use crate::nsswitch::NSSWITCH_FILE;
use crate::policy::Policy;
use crate::requested::MapLine;
use crate::text::Text;

/// The maximum number of granted ranges in a message.
const SHOWN: usize = 8;

/// Appends the start of a refusal. The wording, and the half-open ranges, are those of shadow's newuidmap, so
/// that a web search for the message finds answers.
pub fn push_refused<const N: usize>(text: &mut Text<N>, kind: IdKind, line: MapLine) {
    text.push(kind.name()).push(" range ").push_range(line.inside, line.count);
    text.push(" -> ").push_range(line.outside, line.count).push(" not allowed: ");
}

/// Appends what is granted of a kind, and why the first of the caller's void lines or ranges grants nothing.
pub fn push_granted<const N: usize>(text: &mut Text<N>, kind: IdKind, policy: &Policy) {
    let asked = policy.asked_name_service();
    if !policy.plugin().is_empty() {
        text.push(NSSWITCH_FILE).push(" leaves grants to the plugin ").push_escaped(policy.plugin());
        text.push(if asked { ", which does not grant it" } else { ", which takes newidmap-helper-nss" });
        return;
    }
    text.push(kind.grant_file());
    match policy.config().computed_grant(policy.caller()) {
        Some(_) => text.push(" and ").push(CONFIG_FILE).push(" grant you "),
        None => text.push(" grants you "),
    };
    let granted = policy.granted(kind);
    for (at, range) in granted.ranges().iter().take(SHOWN).enumerate() {
        text.push(if at == 0 { "" } else { " " }).push_range(range.first(), range.count());
    }
    text.push(if granted.ranges().is_empty() { "nothing" } else { "" });
    text.push(if granted.ranges().len() > SHOWN { " and more" } else { "" });
    push_void(text, granted.void());
    if granted.has_more() {
        text.push("; your lines after the first 4096 count for nothing");
    }
    if policy.needs_name_service() && !asked {
        text.push("; your account is not a local one, which takes newidmap-helper-nss");
    }
}

fn push_void<const N: usize>(text: &mut Text<N>, void: Void) {
    match void {
        Void::Line(number, why) => {
            text.push("; line ").push_number(number).push(" grants nothing: ").push(why.reason());
        }
        Void::Range(range, id) => {
            text.push("; ").push_range(range.first(), range.count());
            text.push(" grants nothing: it holds the ID of an account, ").push_number(id);
        }
        Void::Nothing => {}
    }
}
