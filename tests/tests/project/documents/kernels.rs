//! The kernels that the documents name are those that tests/guest boots.

use crate::documents::read;

/// The kernels of tests/guest, from the oldest to the newest.
fn tested() -> Vec<String> {
    let script = read("tests/machine.bash");
    let line = script.lines().find_map(|line| line.strip_prefix("readonly KERNELS=(")).expect("the kernels");
    let pairs = line.trim_end_matches(')').split(' ');
    pairs.map(|pair| pair.split_once(':').expect("a kernel and a release").0.to_owned()).collect()
}

#[test]
fn the_readme_names_the_oldest_kernel_that_is_tested() {
    let [oldest, ..] = &tested()[..] else { panic!("no kernel") };
    let readme = read("README.md").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme.contains(&format!("Linux {oldest} is the oldest kernel that the tests boot")));
}

#[test]
fn the_page_for_contributors_names_each_of_them() {
    let tested = tested();
    let (last, others) = tested.split_last().expect("a kernel");
    assert!(
        read("CONTRIBUTING.md")
            .contains(&format!("boots Debian with Linux {} and {last} ", others.join(", ")))
    );
}
