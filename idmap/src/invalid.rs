//! The reasons for rejecting input, each a few words long.

macro_rules! reasons {
    ($($name:ident: $reason:literal,)+) => {
        /// Why a number, a line, a map, a setting or a command line is rejected.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Invalid {
            $(#[doc = $reason] $name,)+
        }

        impl Invalid {
            /// Every reason.
            pub const ALL: &[Invalid] = &[$(Invalid::$name),+];

            /// The reason as text.
            pub const fn reason(self) -> &'static str {
                match self { $(Invalid::$name => $reason,)+ }
            }
        }
    };
}

reasons! {
    // Numbers and ranges.
    NoNumber: "a number is missing",
    NotDecimal: "a number is not plain decimal",
    LeadingZero: "a number has a leading zero",
    TooLarge: "a number does not fit 32 bits",
    EmptyRange: "a count is zero",
    Wraps: "a range reaches 4294967295",
    // Maps.
    MapFields: "a range is not IN:OUT:COUNT",
    OverlapInside: "two ranges overlap inside",
    OverlapOutside: "two ranges overlap outside",
    TooManyLines: "more than 340 ranges after joining",
    TooManyTyped: "more than 4096 ranges",
    TooMuchText: "more than 4095 bytes of map after joining",
    // Command lines.
    NoTarget: "no TARGET given",
    NoMap: "no map given",
    Target: "TARGET is neither a PID nor fd:N",
    Unexpected: "unexpected argument",
    NoValue: "value missing after",
    Twice: "given twice",
    Setgroups: "--setgroups takes only deny",
    Incomplete: "a range needs UID LOWERUID COUNT, or their GIDs",
    // Lines of grant files.
    TooLong: "the line is longer than 1023 bytes",
    Blank: "the line has a blank",
    Control: "the line has a control character",
    Encoding: "the line is not UTF-8",
    ByteOrderMark: "a byte order mark (U+FEFF) is before the owner",
    LineFields: "the line has not exactly three fields",
    Owner: "the owner is not an account",
    HoldsRoot: "the range holds ID 0",
    // Lines of mapper.conf.
    Setting: "not KEY = VALUE",
    Key: "unknown key",
    Value: "not a value of this key",
    Rule: "not FIRST-LAST:START:COUNT",
    Overlaps: "the rule overlaps another one, or its own uids",
    TooManyRules: "more than 64 computed-grants rules",
}
