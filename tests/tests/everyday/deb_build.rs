//! A Debian package is built from source, by root and by a user, and installed.

use crate::job::{Debian, NO_ROOT};
use subroot_tests::skip;

/// A package with a C program, a directory with another owner, and a setgid file.
const SOURCE: &str = r#"
    mkdir -p /tmp/build/hello-1.0/debian/source
    cd /tmp/build/hello-1.0
    printf '#include <stdio.h>\nint main(void) { puts("hello from a package"); return 0; }\n' >hello.c
    printf 'hello: hello.c\n\tgcc -O2 -o $@ $<\n' >Makefile
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
Rules-Requires-Root: binary-targets

Package: hello
Architecture: any
Description: says hello
END
    cat >debian/rules <<'END'
#!/usr/bin/make -f
root = debian/hello
clean:
	rm -rf hello debian/hello debian/files
build build-arch build-indep:
	$(MAKE) hello
binary binary-arch:
	install -D -m 2755 -g games hello $(root)/usr/bin/hello
	install -d -o www-data -g www-data -m 750 $(root)/var/lib/hello
	mkdir $(root)/DEBIAN
	dpkg-gencontrol -phello -P$(root)
	dpkg-deb --build $(root) ..
binary-indep:
END
    chmod +x debian/rules
"#;

#[test]
fn a_package_is_built_and_installed() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let seen = debian.output(&format!(
        "{SOURCE}
        dpkg-buildpackage --no-sign >/tmp/log 2>&1 || {{ cat /tmp/log; exit 1; }}
        ls .. | sed s/_$(dpkg --print-architecture)/_ARCH/
        dpkg --contents ../*.deb | awk '/hello/ {{ print $1, $2, $6 }}'
        apt-get -q install --yes ../hello_*.deb >/tmp/log 2>&1 || {{ cat /tmp/log; exit 1; }}
        hello
        stat -c '%U:%G %a' /usr/bin/hello /var/lib/hello"
    ));
    let expected = "hello-1.0\nhello_1.0.dsc\nhello_1.0.tar.xz\nhello_1.0_ARCH.buildinfo\n\
        hello_1.0_ARCH.changes\nhello_1.0_ARCH.deb\n\
        -rwxr-sr-x root/games ./usr/bin/hello\ndrwxr-x--- www-data/www-data ./var/lib/hello/\n\
        hello from a package\nroot:games 2755\nwww-data:www-data 750\n";
    assert_eq!(seen, expected);
}
