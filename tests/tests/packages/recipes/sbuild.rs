//! sbuild: builds a Debian package in unshare mode with the project's newuidmap.

use std::fs::{self, File};
use std::io::copy;
use std::time::Duration;
use subroot_tests::{Host, Install, archive, skip};

const SBUILDRC: &str = include_str!("../../../../packaging/recipes/sbuild/sbuildrc");
const PATIENCE: Duration = Duration::from_secs(180);

/// A package that records the owner of its build directory, and the user who built it.
const MAKE_SOURCE: &str = r#"
    mkdir -p hello-1.0/debian/source; cd hello-1.0
    echo '3.0 (native)' >debian/source/format
    cat >debian/changelog <<'END'
hello (1.0) unstable; urgency=low

  * First.

 -- A Tester <tester@example.org>  Mon, 01 Jan 2024 00:00:00 +0000
END
    cat >debian/control <<'END'
Source: hello
Maintainer: A Tester <tester@example.org>
Standards-Version: 4.6.2
Rules-Requires-Root: no

Package: hello
Architecture: any
Description: says hello
END
    cat >debian/rules <<'END'
#!/usr/bin/make -f
clean:
	rm -rf debian/hello debian/files
build build-arch:
	echo 'int puts(const char *); int main(void) { return puts("hello") < 0; }' >hello.c
	gcc -static -o hello hello.c
binary binary-arch: build
	install -D hello debian/hello/usr/bin/hello
	{ id -un; stat -c %U:%G .; tr -s ' ' </proc/self/uid_map; } >debian/hello/usr/seen
	mkdir debian/hello/DEBIAN
	dpkg-gencontrol -phello -Pdebian/hello
	dpkg-deb --root-owner-group --build debian/hello ..
END
    chmod +x debian/rules
    dpkg-source --build . >&2"#;

#[test]
fn a_package_is_built_without_root() {
    let Some(mut chroot) = archive("everyday.tar") else {
        skip!("no Debian root: see what packaging/test says of it")
    };
    let host = Host::new();
    host.install_drop_ins(Install::SetuidRoot);
    let alice = host.user("alice");
    host.make_dir("/home/alice/.cache/sbuild", &alice);
    host.output(&mut alice.shell(MAKE_SOURCE)).ok();
    let architecture = host.output(&mut alice.shell("dpkg --print-architecture")).ok();
    let place = format!("/home/alice/.cache/sbuild/bookworm-{}.tar", architecture.trim());
    copy(&mut chroot, &mut File::create(place).expect("a file")).expect("copying the chroot");
    // The chroot has no fakeroot, which the package does not need, and there is no network.
    let here = "$core_depends = ['build-essential'];\n1;\n";
    host.write("/home/alice/.sbuildrc", SBUILDRC.replace("1;\n", here));
    let offline = "--no-apt-update --no-apt-upgrade --no-apt-distupgrade --no-run-lintian --nolog";
    let build = format!("sbuild --dist=bookworm {offline} hello_1.0.dsc");
    let built = host.output_within(PATIENCE, &mut alice.shell(&build));
    assert_eq!(built.code(), 0, "{built:?}");

    let unpack = "dpkg-deb --extract hello_1.0_*.deb package && package/usr/bin/hello && cat package/usr/seen && ls /tmp";
    let seen = host.output(&mut alice.shell(unpack)).ok();
    // A user in the chroot, and sbuild's map: the first granted ID is root's. Nothing remains in /tmp.
    assert_eq!(seen, "hello\nalice\nalice:sbuild\n 0 100000 65536\n");
    assert!(fs::exists("/home/alice/hello_1.0.dsc").expect("looking"));
}
