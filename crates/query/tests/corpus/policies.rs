//! Policies.

use flockwise_query::diagnostic::Code::{
    BadValue, Conflict, Duplicate, MissingField, Syntax, TooLarge, UnknownField, UnknownName, Unsupported,
    Version, WrongType,
};

use super::{Expected, OK, POLICY, edited, no, policy};

#[test]
fn the_budget() {
    let cases: &[(&str, &str, Expected)] = &[
        ("epsilon = 4.0", "epsilon = 4", OK),
        ("epsilon = 4.0", "epsilon = 1e-12", OK),
        ("epsilon = 4.0", "epsilon = +0.5", OK),
        ("epsilon = 4.0", "epsilon = 0", no(BadValue, "at least 1e-12")),
        ("epsilon = 4.0", "epsilon = 0.0", no(BadValue, "at least 1e-12")),
        ("epsilon = 4.0", "epsilon = -0.0", no(BadValue, "positive")),
        ("epsilon = 4.0", "epsilon = -1", no(BadValue, "positive")),
        ("epsilon = 4.0", "epsilon = nan", no(BadValue, "positive")),
        ("epsilon = 4.0", "epsilon = inf", no(BadValue, "positive")),
        ("epsilon = 4.0", "epsilon = -inf", no(BadValue, "positive")),
        ("epsilon = 4.0", "epsilon = 1e-400", no(BadValue, "at least 1e-12")),
        ("epsilon = 4.0", "epsilon = 1e300", no(BadValue, "below 1000000")),
        ("epsilon = 4.0", "epsilon = 1e999", no(BadValue, "below 1000000")),
        ("epsilon = 4.0", "epsilon = 99999999999999999999999999999999999999999999", no(BadValue, "epsilon")),
        ("epsilon = 4.0", "epsilon = 0xffffffffffff", no(BadValue, "below 1000000")),
        ("epsilon = 4.0", "epsilon = true", no(WrongType, "a boolean")),
        ("epsilon = 4.0", "epsilon = [1]", no(WrongType, "a list")),
        ("epsilon = 4.0", "epsilon = \"lots\"", no(BadValue, "decimal")),
        ("epsilon = 4.0", "", no(MissingField, "epsilon = 4.0")),
        ("epsilon = 4.0", "epsilon = 4.0\nepsilon = 5.0", no(Syntax, "duplicate")),
        ("delta = 1e-6", "delta = 1", no(BadValue, "below 1")),
        ("delta = 1e-6", "delta = 1e-19", no(BadValue, "at least 1e-18")),
        ("delta = 1e-6", "", no(MissingField, "delta = 1e-6")),
        ("delta = 1e-6\naccounting = \"zcdp\"", "accounting = \"pure\"", OK),
        ("accounting = \"zcdp\"", "accounting = \"zCDP\"", no(BadValue, "did you mean `zcdp`?")),
        ("accounting = \"zcdp\"", "accounting = \"rdp\"", no(BadValue, "`pure`")),
        ("accounting = \"zcdp\"", "accounting = \"gdp\"", OK),
        ("ledger = \"films.ledger\"", "ledger = \"\"", no(BadValue, "path")),
        ("ledger = \"films.ledger\"", "ledger = \"a\\u0000b\"", no(BadValue, "path")),
        ("ledger = \"films.ledger\"", "", OK),
        ("releases = \"films.releases\"", "releases = \"films.ledger\"", no(Conflict, "different files")),
        ("ledger = \"films.ledger\"", "ledger = \"x\"\nledger_id = \"0123456789abcdef\"", OK),
        ("ledger = \"films.ledger\"", "ledger = \"x\"\nledger_id = \"no\"", no(BadValue, "flockwise init")),
        ("ledger = \"films.ledger\"", "ledgr = \"x\"", no(UnknownField, "did you mean `ledger`?")),
        ("# per =", "per =", OK),
        ("# per = { window = \"month\"", "per = { window = \"fortnight\"", no(BadValue, "`month`")),
        (
            "# per = { window = \"month\", time = \"timestamp\"",
            "per = { window = \"month\", time = \"when\"",
            no(UnknownName, "`when`"),
        ),
        (
            "# per = { window = \"month\", time = \"timestamp\"",
            "per = { window = \"day\", time = \"rating\"",
            no(WrongType, "not a date"),
        ),
        (
            "# per = { window = \"month\", time = \"timestamp\", tz = \"UTC\"",
            "per = { window = \"day\", time = \"timestamp\", tz = \"Mars\"",
            no(BadValue, "time zone"),
        ),
        (
            "# per = { window = \"month\", time = \"timestamp\", tz = \"UTC\"",
            "per = { window = \"week\", time = \"timestamp\", tz = \"America/Havana\"",
            OK,
        ),
        (
            "# per = { window = \"month\", time =",
            "per = { every = \"month\", time =",
            no(UnknownField, "`every`"),
        ),
        (
            "# per = { window = \"month\", time = \"timestamp\"",
            "per = { window = \"month\"",
            no(MissingField, "time = "),
        ),
        (
            "# per = { window = \"month\", time = \"timestamp\"",
            "per = { window = \"month\", time = \"movies.timestamp\"",
            no(BadValue, "column"),
        ),
        (
            "# per = { window = \"month\", time = \"timestamp\"",
            "per = { window = \"month\", time = \"revenue\"",
            no(UnknownName, "`revenue`"),
        ),
        ("# per = {", "per = \"month\" # {", no(WrongType, "a table")),
        ("[budget]", "no_privacy = \"x\"\n[budgt]", no(UnknownField, "did you mean")),
    ];
    // `[data]` and `[budget]` are followed by other lines with comments: the edits keep them whole.
    let base = POLICY.lines().map(strip).collect::<Vec<_>>().join("\n");
    for &(from, to, expected) in cases {
        policy(&edited(&base, from, to), expected);
    }
    // Dates have no zone, and the windows they lie in neither.
    let dated =
        edited(&edited(&base, "type = \"datetime\", tz = \"UTC\"", "type = \"date\""), "# per =", "per =");
    policy(&dated, OK);
    policy(
        &dated.replace("timestamp\", tz = \"UTC\"", "timestamp\", tz = \"Europe/Paris\""),
        no(Conflict, "no time zone"),
    );
}

/// Comments behind a value go, so that edits can span lines; a line that is only a comment stays.
fn strip(line: &str) -> &str {
    if line.starts_with('#') { line } else { line.split("  #").next().unwrap_or(line).trim_end() }
}

#[test]
fn the_top_and_the_data() {
    let cases: &[(&str, &str, Expected)] = &[
        ("version = 1", "version = 2", no(Version, "only version 1")),
        ("version = 1", "version = \"1\"", no(WrongType, "an integer")),
        ("version = 1", "version = 99999999999999999999999", no(BadValue, "version")),
        ("version = 1", "", no(MissingField, "version = 1")),
        ("version = 1", "version = 1\nsecret = 1", no(UnknownField, "`secret`")),
        ("version = 1", "version = 1\nno_privacy = \"open data\"", no(Conflict, "has no ledger")),
        ("name = \"films\"", "name = \"../films\"", no(BadValue, "starts with a letter")),
        ("name = \"films\"", "name = \"\"", no(BadValue, "empty")),
        ("name = \"films\"", "name = \"a b\"", no(BadValue, "starts with a letter")),
        ("name = \"films\"", "name = 'caf\u{e9}'", OK),
        ("name = \"films\"", "name = 7", no(WrongType, "a string")),
        ("source = \"ratings.parquet\"", "source = []", no(BadValue, "at least one")),
        ("source = \"ratings.parquet\"", "source = [\"a\", \"b\"]", OK),
        ("source = \"ratings.parquet\"", "source = [\"a\", \"a\"]", no(Duplicate, "twice")),
        ("source = \"ratings.parquet\"", "source = [\"a\", 1]", no(WrongType, "a string")),
        ("source = \"ratings.parquet\"", "source = \" \"", no(BadValue, "a path")),
        ("privacy_unit = \"user_id\"", "privacy_unit = \"a.b\"", no(BadValue, "no dot")),
        ("privacy_unit = \"user_id\"", "", no(MissingField, "whose row it is")),
        (
            "recommendations = \"Which titles to show first\"",
            "\"a b\" = \"x\"",
            no(BadValue, "name of a purpose"),
        ),
        ("recommendations = \"Which titles to show first\"", "", no(MissingField, "needs [purposes]")),
        ("default = \"deny\"", "default = \"allow\"", no(BadValue, "`grant`")),
        ("default = \"deny\"", "", OK),
        ("person = \"user_id\", ", "", no(MissingField, "person")),
    ];
    for &(from, to, expected) in cases {
        policy(&edited(POLICY, from, to), expected);
    }
}

#[test]
fn columns_and_derived_columns() {
    let rating = "rating    = { type = \"float\", bounds = [0, 10] }";
    let cases: &[(&str, Expected)] = &[
        ("rating = { type = \"float\" }", OK),
        ("rating = { type = \"float\", bounds = [-0.0, 1e-9] }", OK),
        ("rating = { type = \"float\", bounds = [0, 10], on_null = \"drop\", on_nan = { value = 5 } }", OK),
        (
            "rating = { type = \"float\", bounds = [0, 10], on_nan = { value = 50 } }",
            no(BadValue, "within the bounds"),
        ),
        ("rating = { type = \"int\", on_null = { value = 0.5 } }", no(WrongType, "integer")),
        ("rating = { type = \"flaot\" }", no(BadValue, "did you mean `float`?")),
        ("rating = { type = \"decimal\" }", no(BadValue, "`float`")),
        ("rating = { }", no(MissingField, "type =")),
        ("rating = \"float\"", no(WrongType, "a table")),
        ("rating = { type = \"float\", bounds = [10, 0] }", no(BadValue, "below the highest")),
        ("rating = { type = \"float\", bounds = [1, 1] }", no(BadValue, "below the highest")),
        ("rating = { type = \"float\", bounds = [nan, 1] }", no(BadValue, "finite")),
        ("rating = { type = \"float\", bounds = [-inf, inf] }", no(BadValue, "finite")),
        ("rating = { type = \"float\", bounds = [0, 1e300] }", no(BadValue, "within")),
        ("rating = { type = \"float\", bounds = [0, 1e999] }", no(BadValue, "finite")),
        ("rating = { type = \"float\", bounds = [0] }", no(BadValue, "two numbers")),
        ("rating = { type = \"float\", bounds = [0, 1, 2] }", no(BadValue, "two numbers")),
        ("rating = { type = \"float\", bounds = \"auto\" }", no(WrongType, "a list")),
        ("rating = { type = \"float\", keys = [1.0] }", no(Conflict, "not floats")),
        ("rating = { type = \"string\", bounds = [0, 1] }", no(Conflict, "numbers")),
        ("rating = { type = \"int\", normalize = [\"trim\"] }", no(Conflict, "strings")),
        ("rating = { type = \"string\", normalize = [\"upper\"] }", no(BadValue, "`lower`")),
        ("rating = { type = \"string\", normalize = [\"trim\", \"trim\"] }", no(Duplicate, "twice")),
        ("rating = { type = \"string\", split = \"\" }", no(BadValue, "split")),
        ("rating = { type = \"string\", keys = [] }", no(BadValue, "from 1 to")),
        ("rating = { type = \"string\", keys = [\"a\", \"a\"] }", no(Duplicate, "twice")),
        ("rating = { type = \"string\", keys = [\"a\", 1] }", no(WrongType, "a string")),
        ("rating = { type = \"int\", keys = [1, 1.5] }", no(WrongType, "an integer")),
        ("rating = { type = \"int\", keys = [9223372036854775808] }", no(BadValue, "64 bits")),
        ("rating = { type = \"int\", keys = [-9223372036854775808, 9223372036854775807] }", OK),
        ("rating = { type = \"date\", keys = [2026-01-01, \"2026-01-02\"] }", OK),
        ("rating = { type = \"date\", keys = [2026-01-01, \"2026-01-01\"] }", no(Duplicate, "twice")),
        ("rating = { type = \"date\", keys = [\"2026-02-30\"] }", no(WrongType, "not a date")),
        ("rating = { type = \"bool\", keys = [true] }", OK),
        ("rating = { type = \"string\", null_keys = \"keep\" }", OK),
        ("rating = { type = \"string\", keys = [\"nl\"], normalize = [\"lower\"] }", OK),
        (
            "rating = { type = \"string\", keys = [\"NL\"], normalize = [\"lower\"] }",
            no(Conflict, "normalize changes"),
        ),
        (
            "rating = { type = \"string\", keys = [\" nl\"], normalize = [\"trim\"] }",
            no(Conflict, "normalize changes"),
        ),
        ("rating = { type = \"string\", keys = [\"a|b\"], split = \"|\" }", no(Conflict, "split cuts")),
        (
            "rating = { type = \"string\", keys = [\"a\"], null_keys = { value = \"b\" } }",
            no(Conflict, "not among the keys"),
        ),
        ("rating = { type = \"string\", null_keys = { value = \"none\" } }", OK),
        ("rating = { type = \"string\", null_keys = { value = 3 } }", no(WrongType, "a string")),
        ("rating = { type = \"string\", null_keys = \"ignore\" }", no(BadValue, "`drop`")),
        ("rating = { type = \"float\", tz = \"UTC\" }", no(Conflict, "tz is for datetime")),
        ("rating = { type = \"datetime\", tz = \"Europe/Amsterdan\" }", no(BadValue, "Europe/Amsterdam")),
        ("rating = { type = \"datetime\", from = 2026-01-01, until = 2027-01-01 }", OK),
        ("rating = { type = \"datetime\", from = 2026-01-01 }", no(MissingField, "go together")),
        ("rating = { type = \"date\", from = 2026-01-01, until = 2026-01-01 }", no(BadValue, "later")),
        ("rating = { type = \"int\", from = 1, until = 2 }", no(Conflict, "dates and times")),
        ("\"a.b\" = { type = \"int\" }", no(BadValue, "no dot")),
        ("\"\" = { type = \"int\" }", no(BadValue, "empty")),
        ("\"Customer ID\" = { type = \"int\" }", OK),
        ("\" x\" = { type = \"int\" }", no(BadValue, "no space")),
        ("\"\\u0007\" = { type = \"int\" }", no(BadValue, "control")),
        ("user_id = { type = \"float\" }", no(WrongType, "can join two people")),
        ("user_id = { type = \"string\" }", OK),
    ];
    for &(column, expected) in cases {
        policy(&edited(POLICY, rating, column), expected);
    }
    let revenue = "expr = \"quantity * unit_price\", type = \"float\"";
    let cases: &[(&str, Expected)] = &[
        ("expr = \"quantity\", type = \"float\"", OK),
        ("expr = \"quantity > 3\", type = \"bool\"", no(Conflict, "numbers")),
        ("expr = \"quantity * 1.5\", type = \"int\"", no(WrongType, "the expression is float")),
        ("expr = \"quantty * unit_price\", type = \"float\"", no(UnknownName, "did you mean `quantity`?")),
        ("expr = \"user_id * 2\", type = \"float\"", no(UnknownName, "no column `user_id`")),
        ("expr = \"movies.title\", type = \"float\"", no(UnknownName, "movies.title")),
        ("expr = \"revenue + 1\", type = \"float\"", no(UnknownName, "revenue")),
        ("expr = \"quantity * $x\", type = \"float\"", no(UnknownName, "`$x`")),
        ("expr = \"quantity *\", type = \"float\"", no(Syntax, "a value must come")),
        ("expr = \"sum(quantity)\", type = \"float\"", no(Syntax, "no functions")),
        ("expr = 3, type = \"float\"", no(WrongType, "a string")),
        ("type = \"float\"", no(MissingField, "expr")),
    ];
    for &(derived, expected) in cases {
        policy(&edited(POLICY, revenue, derived), expected);
    }
    policy(&edited(POLICY, "revenue =", "rating ="), no(Duplicate, "already"));
}

#[test]
fn tables() {
    let cases: &[(&str, &str, Expected)] = &[
        ("[tables.movies]", "[tables.\"../m\"]", no(BadValue, "name of a table")),
        ("key = [\"movie_id\"]", "key = []", no(BadValue, "at least one")),
        ("key = [\"movie_id\"]", "key = \"movie_id\"", no(WrongType, "a list")),
        ("key = [\"movie_id\"]", "key = [\"movie_id\", \"movie_id\"]", no(Duplicate, "twice")),
        ("key = [\"movie_id\"]", "key = [\"film\"]", no(UnknownName, "not among [columns]")),
        ("key = [\"movie_id\"]", "key = [\"rating\"]", no(WrongType, "is a float")),
        ("key = [\"movie_id\"]", "key = [\"user_id\"]", no(Unsupported, "belong to people")),
        ("title = { type = \"string\" }", "movie_id = { type = \"string\" }", no(Conflict, "another type")),
        (
            "title = { type = \"string\" }",
            "user_id = { type = \"string\" }",
            no(Unsupported, "belong to people"),
        ),
        ("private = true", "private = 1", no(WrongType, "true or false")),
        ("private = true", "privat = true", no(UnknownField, "did you mean `private`?")),
        ("key = [\"user_id\", ", "key = [", no(Unsupported, "must hold the privacy unit")),
        ("source = \"movies.parquet\"", "", no(MissingField, "source")),
    ];
    for &(from, to, expected) in cases {
        policy(&edited(POLICY, from, to), expected);
    }
}

#[test]
fn whole_files() {
    let minimal = "version = 1\nno_privacy = \"made up\"\ndata = { name = \"a\", source = \"a.csv\", privacy_unit = \"u\" }";
    policy(minimal, OK);
    policy(&edited(minimal, "made up", " "), no(BadValue, "a reason"));
    let benched = format!("{minimal}\nbudget = {{ delta = 1e-6, accounting = \"zcdp\" }}");
    policy(&benched, OK);
    policy(&edited(&benched, "delta = 1e-6", "delta = 1e-6, epsilon = 4"), OK);
    policy(&edited(&benched, "delta = 1e-6", "ledger = \"a\""), no(Conflict, "remove `ledger`"));
    policy(&edited(&benched, "delta = 1e-6", "delta = 2"), no(BadValue, "delta"));
    policy(&edited(minimal, "no_privacy = \"made up\"\n", ""), no(MissingField, "needs `budget`"));
    policy("", no(MissingField, "version"));
    policy("version", no(Syntax, ""));
    policy("= 1", no(Syntax, ""));
    policy("version = 1\n[data", no(Syntax, ""));
    policy("\u{feff}version = 2", no(Version, "version"));
    policy(&"x".repeat((1 << 20) + 1), no(TooLarge, "larger"));
    policy(&format!("version = 1\nx = {}", "[".repeat(100_000)), no(Syntax, ""));
    policy(&format!("version = 1\n{}x = 1", "a.".repeat(10_000)), no(Syntax, ""));
    policy(&format!("version = 1\n{} = 1", "k".repeat(100_000)), no(UnknownField, "..."));
}
