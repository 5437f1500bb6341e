//! Jobs, before any policy is known.

use flockwise_query::Job;
use flockwise_query::diagnostic::Code::{
    BadValue, Conflict, Duplicate, MissingField, Syntax, TooLarge, UnknownField, Version, WrongType,
};

use super::{Expected, JOB, OK, edited, job, judge, no};

#[test]
fn the_top() {
    let cases: &[(&str, &str, Expected)] = &[
        ("version = 1", "version = 0", no(Version, "only version 1")),
        ("version = 1", "version = -1", no(BadValue, "version")),
        ("data = \"films\"", "", no(MissingField, "data = ")),
        ("data = \"films\"", "data = \"films\"\npolicy = \"mine.toml\"", no(UnknownField, "`policy`")),
        ("data = \"films\"", "data = \"films\"\nanalyst = \"root\"", no(UnknownField, "`analyst`")),
        ("data = \"films\"", "data = \"films\"\nledger = \"other\"", no(UnknownField, "`ledger`")),
        ("purpose = \"recommendations\"", "", OK),
        ("purpose = \"recommendations\"", "purpose = 3", no(WrongType, "a string")),
        ("epsilon = 1.0", "epsilon = 1.0\nrho = 0.1", no(Conflict, "not both")),
        ("epsilon = 1.0", "rho = 0.01", OK),
        ("epsilon = 1.0", "rho = 0", no(BadValue, "rho must be at least")),
        ("epsilon = 1.0", "epsilon = 1e-400", no(BadValue, "at least 1e-12")),
        ("epsilon = 1.0", "epsilon = 1e300", no(BadValue, "below")),
        ("epsilon = 1.0", "epsilon = nan", no(BadValue, "positive")),
        ("epsilon = 1.0", "epsilon = 1.0\ndelta = 1e-9", OK),
        ("epsilon = 1.0", "epsilon = 1.0\ndelta = 0", no(BadValue, "delta must be at least")),
        ("epsilon = 1.0", "", no(MissingField, "nothing to spend")),
        ("epsilon = 1.0", "epsilon = 1.0\nshare = 1", no(UnknownField, "`share`")),
        ("epsilon = 1.0", "epsilon = 1.0\nwindows = [\"2026-11\", \"$month\"]", OK),
        ("epsilon = 1.0", "epsilon = 1.0\nwindows = [\"2026-11'; drop table x\"]", OK),
        ("epsilon = 1.0", "epsilon = 1.0\nwindows = []", no(TooLarge, "from 1 to 400")),
        ("epsilon = 1.0", "epsilon = 1.0\nwindows = \"2026-11\"", no(WrongType, "a list")),
        ("epsilon = 1.0", "epsilon = 1.0\nwindows = [2026]", no(WrongType, "a string")),
        ("epsilon = 1.0", "epsilon = 1.0\nwindows = [[\"2026-11\"]]", no(WrongType, "a string")),
        ("epsilon = 1.0", "epsilon = 1.0\nwindows = [\"$\"]", no(BadValue, "no parameter")),
        ("epsilon = 1.0", "epsilon = 1.0\nwindows = [\"$a b\"]", no(BadValue, "no parameter")),
        (
            "epsilon = 1.0",
            "epsilon = 1.0\nwindow = [\"2026-11\"]",
            no(UnknownField, "did you mean `windows`?"),
        ),
        ("day = \"date\"", "day = \"2026-11-24\"", no(BadValue, "type of a parameter")),
        ("day = \"date\"", "day = 2026-11-24", no(WrongType, "a string")),
        ("day = \"date\"", "\"d y\" = \"date\"", no(BadValue, "name of a parameter")),
        (
            "day = \"date\"",
            "day = \"date\"\nn = \"int\"\nf = \"float\"\nb = \"bool\"\nt = \"datetime\"\ns = \"string\"",
            OK,
        ),
    ];
    for &(from, to, expected) in cases {
        job(&edited(JOB, from, to), expected);
    }
}

const HEAD: &str = "version = 1\ndata = \"films\"\n[job]\nepsilon = 1\n[[release]]\nname = \"r\"\n";

#[test]
fn what_every_release_takes() {
    let cases: &[(&str, Expected)] = &[
        ("", OK),
        ("where = \"rating >= 7\"", OK),
        ("where = \"rating >=\"", no(Syntax, "a value must come")),
        ("where = true", no(WrongType, "a string")),
        ("where = \"\"", no(Syntax, "a value must come")),
        ("where = \"rating > (select 1)\"", no(Syntax, "`)` is missing")),
        ("where = \"a; drop table x\"", no(Syntax, "no meaning")),
        ("were = \"a\"", no(UnknownField, "did you mean `where`?")),
        ("label = [\"movies.title\"]", OK),
        ("label = [\"title\"]", no(BadValue, "column of a public table")),
        ("label = [\"movies.title\", \"movies.title\"]", no(Duplicate, "twice")),
        ("label = \"movies.title\"", no(WrongType, "a list")),
        ("contribution = \"auto\"", OK),
        ("contribution = { norm = 16 }", OK),
        ("contribution = { keep = 8 }", OK),
        ("contribution = { norm = 16, keep = 8 }", no(Conflict, "one of them")),
        ("contribution = { }", no(Conflict, "one of them")),
        ("contribution = { norm = 0 }", no(BadValue, "from 1 to 1048576")),
        ("contribution = { norm = -1 }", no(BadValue, "from 1 to 1048576")),
        ("contribution = { norm = 4294967296 }", no(BadValue, "from 1 to 1048576")),
        ("contribution = { norm = 1.5 }", no(WrongType, "an integer")),
        ("contribution = { keep = 18446744073709551616 }", no(BadValue, "from 1 to 1048576")),
        ("contribution = 16", no(WrongType, "a string")),
        ("contribution = \"none\"", no(BadValue, "`auto`")),
        ("max_rows_per_key = 4294967296", no(BadValue, "from 1 to 1048576")),
        ("max_rows_per_key = 0", no(BadValue, "from 1 to 1048576")),
        ("max_rows_per_key = 1000000\ncontribution = { keep = 1000000 }", OK),
        ("share = 2", OK),
        ("share = 0.5", OK),
        ("share = 0", no(BadValue, "share must be a positive number")),
        ("share = -1", no(BadValue, "share must be a positive number")),
        ("share = 1e-7", no(BadValue, "at most six decimals")),
        ("share = 1e300", no(BadValue, "share must be a positive number")),
        ("share = inf", no(BadValue, "share must be a positive number")),
        ("share = \"2\"", no(WrongType, "a number")),
        ("share = 1\nepsilon = 1", no(Conflict, "not both")),
        ("epsilon = 1\nrho = 1", no(Conflict, "not both")),
        ("delta = 1e-9", OK),
        ("delta = 2", no(BadValue, "below 1")),
        ("mechanism = \"gaussian\"", OK),
        ("mechanism = \"none\"", no(BadValue, "`laplace`")),
        ("mechanism = \"gausian\"", no(BadValue, "did you mean `gaussian`?")),
        ("two_stage = true", OK),
        ("two_stage = \"auto\"", OK),
        ("two_stage = \"true\"", no(BadValue, "`auto`")),
        ("two_stage = 1", no(WrongType, "a string")),
        ("non_negative = true", OK),
        ("non_negative = 1", no(WrongType, "true or false")),
        ("minimum = 50", OK),
        ("minimum = 0", no(BadValue, "from 1 to 1048576")),
        ("minimum = 2.5", no(WrongType, "an integer")),
        ("round = 10", OK),
        ("round = \"noise\"", OK),
        ("round = \"figures\"", no(BadValue, "`noise`")),
        ("round = 0.1", no(WrongType, "an integer")),
        ("consistent = true", OK),
        ("consistent = \"yes\"", no(WrongType, "true or false")),
        ("per = \"person\"", no(UnknownField, "`per`")),
        ("seed = 1", no(UnknownField, "`seed`")),
        ("sigma = 0", no(UnknownField, "`sigma`")),
    ];
    for &(more, expected) in cases {
        job(&format!("{HEAD}statistic = \"popularity\"\nby = [\"movie_id\"]\n{more}"), expected);
    }
}

#[test]
fn statistics() {
    let cases: &[(&str, Expected)] = &[
        ("statistic = \"popularity\"", no(MissingField, "by = ")),
        ("statistic = \"popularity\"\nby = []", no(BadValue, "at least one")),
        ("statistic = \"popularity\"\nby = \"movie_id\"", OK),
        ("statistic = \"popularity\"\nby = 3", no(WrongType, "a column")),
        ("statistic = \"popularity\"\nby = [3]", no(WrongType, "a column")),
        ("statistic = \"popularity\"\nby = [\"a.b.c\"]", no(BadValue, "table.name")),
        ("statistic = \"popularity\"\nby = [\"a\"]\naggregates = [\"people\", \"rows\"]", OK),
        ("statistic = \"popularity\"\nby = [\"a\"]\naggregates = [\"mean\"]", no(BadValue, "summary")),
        ("statistic = \"popularity\"\nby = [\"a\"]\ncolumn = \"b\"", no(UnknownField, "`column`")),
        ("statistic = \"top_k\"\nk = 10\nitem = \"a\"\nby = [\"b\"]", OK),
        ("statistic = \"top_k\"\nk = 0\nitem = \"a\"", no(BadValue, "from 1 to 100000")),
        ("statistic = \"top_k\"\nk = 4294967297\nitem = \"a\"", no(BadValue, "from 1 to 100000")),
        ("statistic = \"top_k\"\nitem = \"a\"", no(MissingField, "k = 10")),
        ("statistic = \"top_k\"\nk = 3", no(MissingField, "item")),
        ("statistic = \"summary\"\ncolumn = \"a\"", OK),
        ("statistic = \"summary\"", no(MissingField, "column")),
        ("statistic = \"summary\"\ncolumn = \"a\"\nbounds = \"auto\"", OK),
        (
            "statistic = \"summary\"\ncolumn = \"a\"\nbounds = [0, 1e9]",
            no(BadValue, "a job cannot set bounds"),
        ),
        ("statistic = \"summary\"\ncolumn = \"a\"\naggregates = []", no(BadValue, "from 1 to 64")),
        (
            "statistic = \"summary\"\ncolumn = \"a\"\naggregates = [\"mean\", \"mean\"]",
            no(Duplicate, "`mean`"),
        ),
        (
            "statistic = \"summary\"\ncolumn = \"a\"\naggregates = [\"max\"]",
            no(BadValue, "no aggregate `max`"),
        ),
        (
            "statistic = \"summary\"\ncolumn = \"a\"\naggregates = [\"count\"]",
            no(BadValue, "`rows` counts rows"),
        ),
        (
            "statistic = \"summary\"\ncolumn = \"a\"\naggregates = [\"median\"]",
            no(BadValue, "quantile = 0.5"),
        ),
        ("statistic = \"summary\"\ncolumn = \"a\"\naggregates = [{ quantile = 0.5 }]", OK),
        (
            "statistic = \"summary\"\ncolumn = \"a\"\naggregates = [{ quantile = 1 }]",
            no(BadValue, "strictly between"),
        ),
        (
            "statistic = \"summary\"\ncolumn = \"a\"\naggregates = [{ quantile = nan }]",
            no(BadValue, "finite"),
        ),
        (
            "statistic = \"summary\"\ncolumn = \"a\"\naggregates = [{ quantile = 0.5, as = \"mean\" }, \"mean\"]",
            no(Duplicate, "`mean`"),
        ),
        (
            "statistic = \"summary\"\ncolumn = \"a\"\naggregates = [{ histogram = { width = 0 } }]",
            no(BadValue, "from 1e-9"),
        ),
        (
            "statistic = \"summary\"\ncolumn = \"a\"\naggregates = [{ histogram = { width = 1, edges = [] } }]",
            no(UnknownField, "`edges`"),
        ),
        (
            "statistic = \"summary\"\ncolumn = \"a\"\naggregates = [{ histogram = { width = 1 }, quantile = 0.5 }]",
            no(MissingField, "one of them"),
        ),
        (
            "statistic = \"summary\"\ncolumn = \"a\"\naggregates = [{ as = \"x\" }]",
            no(MissingField, "one of them"),
        ),
        ("statistic = \"summary\"\ncolumn = \"a\"\nper = \"person\"", OK),
        ("statistic = \"summary\"\ncolumn = \"a\"\nper = \"person\"\nmax_rows_per_key = 1", OK),
        (
            "statistic = \"summary\"\ncolumn = \"a\"\nper = \"person\"\nmax_rows_per_key = 2",
            no(Conflict, "per = \"row\""),
        ),
        (
            "statistic = \"summary\"\ncolumn = \"a\"\nper = \"person\"\naggregates = [\"rows\"]",
            no(Conflict, "count `people`"),
        ),
        ("statistic = \"summary\"\ncolumn = \"a\"\nper = \"row\"", no(MissingField, "max_rows_per_key")),
        ("statistic = \"summary\"\ncolumn = \"a\"\nper = \"row\"\nmax_rows_per_key = 4", OK),
        ("statistic = \"summary\"\ncolumn = \"a\"\nper = \"group\"", no(BadValue, "`person`")),
        ("statistic = \"top_k\"\nk = 3\nitem = \"a\"\nconsistent = true", no(UnknownField, "`consistent`")),
        ("statistic = \"reach\"\nby = [\"a\"]\nconsistent = true", OK),
        ("statistic = \"co_occurrence\"\nitem = \"a\"", OK),
        (
            "statistic = \"co_occurrence\"\nitem = \"a\"\nmeasures = [\"lift\", \"jaccard\"]",
            no(BadValue, "`cosine`"),
        ),
        ("statistic = \"co_occurrence\"\nitem = \"a\"\nmeasures = []", no(BadValue, "at least one")),
        ("statistic = \"co_occurrence\"\nitem = \"a\"\nby = [\"b\"]", no(UnknownField, "`by`")),
        ("statistic = \"transitions\"\nitem = \"a\"\norder_by = \"t\"", OK),
        ("statistic = \"transitions\"\nitem = \"a\"", no(MissingField, "order_by")),
        ("statistic = \"affinity\"\nby = [\"a\"]\ncategory = \"b\"", OK),
        ("statistic = \"affinity\"\nby = [\"a\"]", no(MissingField, "category")),
        ("statistic = \"activity\"", OK),
        ("statistic = \"activity\"\nby = [\"a\"]", no(UnknownField, "`by`")),
        ("statistic = \"reach\"", OK),
        ("statistic = \"retention\"\ncohort = \"a\"\nperiod = \"b\"", OK),
        ("statistic = \"retention\"\ncohort = \"a\"", no(MissingField, "period")),
        ("statistic = \"trend\"", no(BadValue, "popularity or summary by a window")),
        ("statistic = \"popularty\"", no(BadValue, "did you mean `popularity`?")),
        ("statistic = \"sql\"", no(BadValue, "`top_k`")),
        ("statistic = 3", no(WrongType, "a string")),
        ("", no(MissingField, "needs `statistic`")),
    ];
    for &(release, expected) in cases {
        job(&format!("{HEAD}{release}"), expected);
    }
}

#[test]
fn keys() {
    let cases: &[(&str, Expected)] = &[
        ("{ column = \"a\" }", OK),
        ("{ colum = \"a\" }", no(UnknownField, "did you mean `column`?")),
        ("{ }", no(MissingField, "column")),
        ("{ column = \"a\", keys = \"private\", as = \"b\", null_keys = \"keep\" }", OK),
        ("{ column = \"a\", keys = \"data\" }", no(BadValue, "`table`")),
        ("{ column = \"a\", keys = [\"x\", \"y\"] }", OK),
        ("{ column = \"a\", keys = [] }", no(BadValue, "at least one")),
        ("{ column = \"a\", keys = [1, 1] }", no(Duplicate, "twice")),
        ("{ column = \"a\", keys = [[1]] }", no(WrongType, "a list")),
        ("{ column = \"a\", keys = [nan] }", no(BadValue, "finite")),
        ("{ column = \"a\", keys = { table = \"movies\" } }", OK),
        ("{ column = \"a\", keys = { tabel = \"movies\" } }", no(UnknownField, "did you mean `table`?")),
        ("{ column = \"a\", every = \"1w\", starts = \"sunday\", tz = \"Europe/Amsterdam\" }", OK),
        ("{ column = \"a\", every = \"15m\" }", OK),
        ("{ column = \"a\", every = \"1mo\", from = 2026-01-01, until = 2026-06-01 }", OK),
        ("{ column = \"a\", every = \"week\" }", no(BadValue, "not a length of time")),
        ("{ column = \"a\", every = \"0d\" }", no(BadValue, "not a length of time")),
        ("{ column = \"a\", every = \"-1d\" }", no(BadValue, "not a length of time")),
        ("{ column = \"a\", every = \"99999999999999999999d\" }", no(BadValue, "not a length of time")),
        ("{ column = \"a\", every = \"1\u{661}d\" }", no(BadValue, "not a length of time")),
        ("{ column = \"a\", every = 7 }", no(WrongType, "a string")),
        ("{ column = \"a\", every = \"1d\", starts = \"monday\" }", no(Conflict, "windows of weeks")),
        ("{ column = \"a\", every = \"1w\", starts = \"mon\" }", no(BadValue, "`monday`")),
        ("{ column = \"a\", starts = \"monday\" }", no(MissingField, "needs `every`")),
        ("{ column = \"a\", every = \"1d\", from = 2026-01-01 }", no(MissingField, "go together")),
        ("{ column = \"a\", every = \"1d\", tz = \"UCT+1\" }", no(BadValue, "time zone")),
        ("{ column = \"a\", every = \"1d\", width = 1 }", no(Conflict, "not both")),
        ("{ column = \"a\", every = \"1d\", keys = [1] }", no(Conflict, "does not go with them")),
        ("{ column = \"a\", width = 0.5, bounds = [0, 10] }", OK),
        ("{ column = \"a\", width = 0 }", no(BadValue, "from 1e-9")),
        ("{ column = \"a\", width = -1 }", no(BadValue, "from 1e-9")),
        ("{ column = \"a\", width = inf }", no(BadValue, "finite")),
        ("{ column = \"a\", width = 1e-400 }", no(BadValue, "from 1e-9")),
        ("{ column = \"a\", bounds = [0, 1] }", no(MissingField, "need `width`")),
        ("{ column = \"a\", as = \"x.y\" }", no(BadValue, "no dot")),
        ("{ column = \"a\", null_keys = { value = \"none\" } }", OK),
        ("{ column = \"a\", null_keys = { } }", no(MissingField, "value")),
    ];
    for &(by, expected) in cases {
        job(&format!("{HEAD}statistic = \"popularity\"\nby = [{by}]"), expected);
    }
    let many = vec!["\"a\""; 17].join(", ");
    job(&format!("{HEAD}statistic = \"popularity\"\nby = [{many}]"), no(TooLarge, "at most 16"));
}

#[test]
fn whole_files() {
    let release = "statistic = \"activity\"\n";
    job(&format!("{HEAD}{release}[[release]]\nname = \"R\"\n{release}"), no(Duplicate, "two releases"));
    job("version = 1\ndata = \"films\"", no(MissingField, "[[release]]"));
    job("version = 1\ndata = \"films\"\nrelease = []", no(TooLarge, "from 1 to 1000"));
    job("version = 1\ndata = \"films\"\nrelease = [1]", no(WrongType, "must be a table"));
    job("version = 1\ndata = \"films\"\nrelease = 1", no(WrongType, "a list"));
    let own = format!("{HEAD}epsilon = 1\n{release}");
    job(&own, no(Conflict, "no release shares"));
    let many: String = (0..1001).map(|i| format!("[[release]]\nname = \"r{i}\"\n{release}")).collect();
    job(
        &format!("version = 1\ndata = \"films\"\n[job]\nepsilon = 1\n{many}"),
        no(TooLarge, "from 1 to 1000"),
    );
}

#[test]
fn json() {
    let cases: &[(&str, Expected)] = &[
        (r#"{"version":1,"data":"films","release":[{"name":"r","statistic":"activity","epsilon":0.1}]}"#, OK),
        (
            r#"{"version":1,"data":"films","release":[{"name":"r","statistic":"activity","epsilon":"0.1"}]}"#,
            OK,
        ),
        (
            r#"{"version":1,"data":"films","release":[{"name":"r","statistic":"activity","epsilon":null}]}"#,
            no(WrongType, "null"),
        ),
        (r#"{"version":1,"data":"films","data":"other","release":[]}"#, no(Syntax, "duplicate key")),
        (r#"{"version":1.0,"data":"films","release":[]}"#, no(WrongType, "a float")),
        (r#"{"version":1,"data":"films","releases":[]}"#, no(UnknownField, "did you mean `release`?")),
        (
            r#"{"version":1,"data":"films","release":[{"name":"r","statistic":"activity","epsilon":1e999}]}"#,
            no(Syntax, ""),
        ),
        ("[]", no(WrongType, "a table")),
        ("", no(Syntax, "")),
        ("{\"version\":1", no(Syntax, "")),
    ];
    for &(text, expected) in cases {
        judge(text, Job::parse_json("job.json", text), expected);
    }
    let deep = "[".repeat(100_000);
    judge("deep", Job::parse_json("job.json", &deep), no(Syntax, ""));
}
