//! etc-subuid-examples: what is reported about each example is what the mapper does with it.

use crate::grants::subroot;
use subroot_tests::{Example, Host, Kind, own_namespace_has, skip};

/// The examples without findings.
const SOUND: [&str; 5] = [
    "ci-runner-big-range",
    "directory-service-numeric-owners",
    "many-users",
    "one-user",
    "several-ranges-for-one-user",
];

#[test]
fn every_mistake_of_the_examples_is_found_and_nothing_in_the_sound_ones() {
    if !own_namespace_has(Kind::Uid, 0, u32::MAX) {
        skip!("needs a user namespace that has the IDs which the files grant");
    }
    for example in Example::all() {
        let host = host(&example);
        let outcome = host.output(&mut subroot(&host.uid(1000), "grants lint"));
        let is_sound = SOUND.contains(&example.name.as_str());
        assert_eq!(outcome.code(), i32::from(!is_sound), "{}: {outcome:?}", example.name);
    }
}

#[test]
fn every_answer_of_the_examples_is_explained() {
    if !own_namespace_has(Kind::Uid, 0, u32::MAX) {
        skip!("needs a user namespace that has the IDs which the files grant");
    }
    for example in Example::all() {
        let host = host(&example);
        for expected in &example.expected {
            let user = match expected.account.strip_prefix('#') {
                Some(uid) => host.uid(uid.parse().expect("a uid")),
                None => host.user(&expected.account),
            };
            // Inside a user namespace, an ID that does not exist there cannot be used.
            if !own_namespace_has(Kind::Uid, user.uid, 1) {
                continue;
            }
            let words = format!("idmap explain {} {}", expected.kind.option(), expected.map);
            let outcome = host.output(&mut subroot(&user, &words));
            assert_eq!(
                outcome.code(),
                i32::from(!expected.granted),
                "{}: {expected:?} {outcome:?}",
                example.name
            );
        }
    }
}

fn host(example: &Example) -> Host {
    let host = Host::new();
    example.files.iter().for_each(|(name, content)| host.write(&format!("/etc/{name}"), content));
    host
}
