//! Invalid options are refused with one line, before anything is created.

use subroot_tests::sandbox::{Sandbox, assert_refused, listing};

#[test]
fn each_wrong_word_is_named() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[]);
    let before = listing("/home/alice".as_ref());
    for (options, said) in [
        (["-v", "/data"], "SOURCE:TARGET"),
        (["-v", "named:/data"], "./named"),
        (["-v", "/home/alice/data:relative"], "not an absolute path"),
        (["-v", "/home/alice/data:/"], "ROOTFS"),
        (["-v", "/home/alice/data:/srv/../.."], "ROOTFS"),
        (["-v", "/home/alice/data:/srv:ro:rw"], "more than three parts"),
        (["-v", "/home/alice/data:/srv:fast"], "unknown option fast"),
        (["-v", "/home/alice/data:/srv:U"], "chown"),
        (["--tmpfs", "srv"], "not an absolute path"),
        (["--tmpfs", "/srv:size="], "unknown option size= for type=tmpfs"),
        (["--tmpfs", "/srv:O"], "unknown option O for type=tmpfs"),
        (["--mount", "type=volume,source=named,target=/srv"], "type=bind,source=DIRECTORY"),
        (["--mount", "type=image,target=/srv"], "type=image is not one of bind"),
        (["--mount", "type=overlay,source=/usr,lowerdir=/usr:/etc,target=/srv"], "lowerdir=DIR"),
        (["--mount", "source=\"/usr,x\",target=/srv"], "a quote must be before the key"),
        (["--mount", "\"source=/usr,target=/srv"], "the closing quote is missing"),
        (["--mount", "\"source=/usr\"x,target=/srv"], "a comma must follow"),
        (["-w", "."], ". is not an absolute path in the sandbox, such as /"),
        (["-w", "src/x"], "such as /src/x"),
        (["--mount", "type=tmpfs"], "target is missing"),
        (["--mount", "type=bind,target=/srv"], "source is missing"),
        (["--mount", "type=overlay,target=/srv"], "lowerdir is missing"),
        (["--mount", "type=overlay,lowerdir=/usr,upperdir=/tmp,target=/srv"], "go together"),
        (["--mount", "type=overlay,lowerdir=/usr,target=/srv"], "needs an upperdir"),
        (["--mount", "type=proc,source=/x,target=/srv"], "no source"),
        (["--overlay=", "--read-only"], "a path is empty"),
        (["--device", "/dev/null:/dev/null:r"], "rights"),
    ] {
        let outcome = sandbox.output(&options, "touch /mark");
        assert_refused(&outcome, 125, &["reading --", said]);
    }
    assert_eq!(listing("/home/alice".as_ref()), before);
}
