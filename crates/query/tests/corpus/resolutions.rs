//! Jobs under the example policy, and under others.

use flockwise_query::diagnostic::Code::{
    BadValue, Conflict, Duplicate, MissingBounds, TooLarge, UnknownName, Unsupported, WrongType,
};

use super::{Expected, OK, POLICY, edited, no, resolution};

#[test]
fn columns_and_keys() {
    let cases: &[(&str, Expected)] = &[
        ("by = [\"movie_id\"]", OK),
        ("by = [\"movieid\"]", no(UnknownName, "did you mean `movie_id`?")),
        ("by = [\"user_id\"]", no(UnknownName, "no column `user_id`")),
        ("by = [\"movies.genres\"]", OK),
        ("by = [\"movies.year\"]", no(UnknownName, "no column `movies.year`")),
        ("by = [\"movies.movie_id\"]", no(UnknownName, "what the table is joined on")),
        ("by = [\"films.title\"]", no(UnknownName, "no table `films`")),
        ("by = [\"rating\"]", no(WrongType, "width = 1")),
        ("by = [\"timestamp\"]", no(WrongType, "every = ")),
        ("by = [{ column = \"rating\", every = \"1d\" }]", no(WrongType, "every cuts dates")),
        ("by = [{ column = \"country\", width = 1 }]", no(WrongType, "width cuts numbers")),
        ("by = [{ column = \"quantity\", width = 1 }]", OK),
        ("by = [{ column = \"rating\", width = 1e-9 }]", no(TooLarge, "bins")),
        ("by = [{ column = \"quantity\", width = 1e-9, bounds = [0, 1e15] }]", no(TooLarge, "bins")),
        (
            "by = [{ column = \"timestamp\", every = \"1m\", from = 0001-01-01, until = 9999-01-01 }]",
            no(TooLarge, "grid"),
        ),
        (
            "by = [{ column = \"timestamp\", every = \"1d\", from = 2026-01-02, until = 2026-01-01 }]",
            no(BadValue, "later"),
        ),
        (
            "by = [{ column = \"timestamp\", every = \"1d\", from = 1, until = 2 }]",
            no(WrongType, "a date or time"),
        ),
        ("by = [{ column = \"country\", keys = \"policy\" }]", OK),
        ("by = [{ column = \"movie_id\", keys = \"policy\" }]", no(Unsupported, "declares no keys")),
        ("by = [{ column = \"movie_id\", keys = \"table\" }]", OK),
        ("by = [{ column = \"country\", keys = \"table\" }]", no(Unsupported, "no public table")),
        ("by = [{ column = \"movie_id\", keys = { table = \"students\" } }]", no(Unsupported, "people's")),
        ("by = [{ column = \"movie_id\", keys = { table = \"nope\" } }]", no(UnknownName, "no table `nope`")),
        ("by = [{ column = \"country\", keys = { table = \"movies\" } }]", no(Unsupported, "not joined on")),
        (
            "by = [{ column = \"movies.genres\", keys = { table = \"students\" } }]",
            no(Conflict, "not a column of"),
        ),
        ("by = [{ column = \"movie_id\", keys = [1, 2] }]", OK),
        ("by = [{ column = \"movie_id\", keys = [\"1\"] }]", no(WrongType, "an integer")),
        (
            "by = [{ column = \"country\", null_keys = { value = \"??\" } }]",
            no(Conflict, "not among the keys"),
        ),
        ("by = [{ column = \"country\", null_keys = { value = 1 } }]", no(WrongType, "a string")),
        ("by = [\"movie_id\", \"movie_id\"]", no(Duplicate, "`movie_id`")),
        ("by = [\"movie_id\", { column = \"movie_id\", as = \"again\" }]", OK),
        ("by = [{ column = \"movie_id\", as = \"people\" }]", no(Duplicate, "`people`")),
        ("by = [{ column = \"movie_id\", as = \"people_low\" }]", no(Duplicate, "`people_low`")),
    ];
    for &(by, expected) in cases {
        resolution(POLICY, &format!("statistic = \"popularity\"\n{by}"), expected);
    }
}

#[test]
fn predicates_labels_and_mechanisms() {
    let cases: &[(&str, Expected)] = &[
        ("where = \"rating >= 7\"", OK),
        ("where = \"rating\"", no(WrongType, "true or false")),
        ("where = \"ratng >= 7\"", no(UnknownName, "did you mean `rating`?")),
        ("where = \"user_id = 17\"", no(UnknownName, "no column `user_id`")),
        ("where = \"country > 3\"", no(WrongType, "compared")),
        ("where = \"timestamp > 'yesterday'\"", no(WrongType, "not a date")),
        ("where = \"movies.genres = 'Drama'\"", no(UnknownName, "movies.genres")),
        ("where = \"movies.title = 'Alien' and students.region is not null\"", OK),
        ("where = \"rating > $least\"", no(UnknownName, "no parameter")),
        ("label = [\"movies.title\"]", OK),
        ("label = [\"movies.tilte\"]", no(UnknownName, "did you mean `movies.title`?")),
        ("label = [\"students.region\"]", no(Unsupported, "people's rows")),
        ("label = [\"nope.title\"]", no(UnknownName, "no table `nope`")),
        ("mechanism = \"gumbel\"", no(Unsupported, "top_k")),
        ("mechanism = \"exponential\"", no(Unsupported, "quantiles")),
        ("mechanism = \"gaussian\"", OK),
    ];
    for &(more, expected) in cases {
        resolution(POLICY, &format!("statistic = \"popularity\"\nby = [\"movie_id\"]\n{more}"), expected);
    }
    let unlabelled = "statistic = \"popularity\"\nby = [\"country\"]\nlabel = [\"movies.title\"]";
    resolution(POLICY, unlabelled, no(Unsupported, "not among the keys"));
    let clash = "statistic = \"popularity\"\nby = [{ column = \"movie_id\", as = \"title\" }]\nlabel = [\"movies.title\"]";
    resolution(POLICY, clash, no(Duplicate, "`title`"));
}

#[test]
fn statistics() {
    let window = "every = \"1w\", from = 2026-01-01, until = 2026-03-01";
    let retention = format!(
        "statistic = \"retention\"\ncohort = {{ column = \"timestamp\", {window}, as = \"first\" }}\nperiod = {{ column = \"timestamp\", {window} }}"
    );
    let cases: &[(&str, Expected)] = &[
        ("statistic = \"summary\"\ncolumn = \"rating\"", OK),
        ("statistic = \"summary\"\ncolumn = \"country\"", no(WrongType, "only numbers")),
        ("statistic = \"summary\"\ncolumn = \"quantity\"", no(MissingBounds, "bounds = \"auto\"")),
        ("statistic = \"summary\"\ncolumn = \"quantity\"\naggregates = [\"people\", \"rows\"]", OK),
        ("statistic = \"summary\"\ncolumn = \"quantity\"\nbounds = \"auto\"", OK),
        (
            "statistic = \"summary\"\ncolumn = \"quantity\"\nbounds = \"auto\"\naggregates = [{ histogram = { width = 1 } }]",
            no(MissingBounds, "its bars are public"),
        ),
        (
            "statistic = \"summary\"\ncolumn = \"rating\"\naggregates = [{ histogram = { width = 1e-9 } }]",
            no(TooLarge, "bars"),
        ),
        (
            "statistic = \"summary\"\ncolumn = \"rating\"\naggregates = [\"mean\", { quantile = 0.5, as = \"mean_low\" }]",
            no(Duplicate, "`mean_low`"),
        ),
        (
            "statistic = \"summary\"\ncolumn = \"rating\"\nmechanism = \"exponential\"\naggregates = [{ quantile = 0.5 }]",
            OK,
        ),
        (
            "statistic = \"top_k\"\nk = 5\nitem = \"movie_id\"\nmechanism = \"gumbel\"\nlabel = [\"movies.title\"]",
            OK,
        ),
        (
            "statistic = \"top_k\"\nk = 5\nitem = { column = \"movie_id\", as = \"rank\" }",
            no(Duplicate, "`rank`"),
        ),
        ("statistic = \"co_occurrence\"\nitem = \"movie_id\"\nlabel = [\"movies.title\"]", OK),
        ("statistic = \"transitions\"\nitem = \"movie_id\"\norder_by = \"timestamp\"", OK),
        (
            "statistic = \"transitions\"\nitem = \"movie_id\"\norder_by = \"country\"",
            no(WrongType, "ordered by"),
        ),
        (
            "statistic = \"transitions\"\nitem = \"movie_id\"\norder_by = \"movies.title\"",
            no(Unsupported, "column of the data"),
        ),
        ("statistic = \"affinity\"\nby = [\"country\"]\ncategory = \"movies.genres\"", OK),
        ("statistic = \"activity\"", OK),
        ("statistic = \"reach\"\nby = [\"country\"]", OK),
        (&retention, OK),
        (
            "statistic = \"retention\"\ncohort = \"country\"\nperiod = { column = \"timestamp\", every = \"1w\" }",
            no(Unsupported, "from and until"),
        ),
    ];
    for &(release, expected) in cases {
        resolution(POLICY, release, expected);
    }
    let renewing = edited(POLICY, "# per =", "per =");
    resolution(&renewing, &retention, no(Unsupported, "renews by window"));
}

#[test]
fn what_is_done_to_released_numbers() {
    let cases: &[(&str, Expected)] = &[
        ("statistic = \"summary\"\ncolumn = \"rating\"\nminimum = 9", OK),
        (
            "statistic = \"summary\"\ncolumn = \"rating\"\naggregates = [\"mean\"]\nminimum = 9",
            no(Conflict, "add \"people\""),
        ),
        (
            "statistic = \"popularity\"\nby = [\"country\"]\naggregates = [\"rows\"]\nminimum = 9",
            no(Conflict, "add \"people\""),
        ),
        (
            "statistic = \"co_occurrence\"\nitem = \"movie_id\"\nmeasures = [\"lift\"]\nminimum = 9",
            no(Conflict, "does not count them"),
        ),
        ("statistic = \"activity\"\nminimum = 9\nnon_negative = true\nround = \"noise\"", OK),
        ("statistic = \"popularity\"\nby = [\"movie_id\", \"country\"]\nconsistent = true", OK),
        (
            "statistic = \"popularity\"\nby = [\"country\", \"movie_id\"]\nconsistent = true",
            no(Unsupported, "must lead"),
        ),
        (
            "statistic = \"popularity\"\nby = [\"country\"]\naggregates = [\"people\", \"rows\"]\nconsistent = true",
            no(Unsupported, "counts of people"),
        ),
        (
            "statistic = \"popularity\"\nby = [\"country\"]\nconsistent = true\nnon_negative = true",
            no(Conflict, "no longer add up"),
        ),
        (
            "statistic = \"popularity\"\nby = [\"country\"]\nconsistent = true\ncontribution = { keep = 3 }",
            no(Conflict, "norm = 4"),
        ),
        (
            "statistic = \"popularity\"\nby = [\"movie_id\"]\nconsistent = true\ntwo_stage = false",
            no(Conflict, "found first"),
        ),
        ("statistic = \"reach\"\nconsistent = true", no(Conflict, "name the parts")),
        (
            "statistic = \"reach\"\nby = [{ column = \"country\", as = \"people_in_all\" }]\nconsistent = true",
            no(Duplicate, "`people_in_all`"),
        ),
    ];
    for &(release, expected) in cases {
        resolution(POLICY, release, expected);
    }
}

#[test]
fn other_policies() {
    let pure = edited(&edited(POLICY, "delta = 1e-6", ""), "accounting = \"zcdp\"", "accounting = \"pure\"");
    let popularity = "statistic = \"popularity\"\n";
    resolution(&pure, &format!("{popularity}by = [\"country\"]"), OK);
    resolution(&pure, &format!("{popularity}by = [\"movie_id\"]"), no(Unsupported, "takes a delta"));
    resolution(
        &pure,
        &format!("{popularity}by = [\"country\"]\ndelta = 1e-9"),
        no(Unsupported, "grants no delta"),
    );
    resolution(
        &pure,
        &format!("{popularity}by = [\"country\"]\nmechanism = \"gaussian\""),
        no(Unsupported, "no Gaussian noise is pure"),
    );
    let other = edited(POLICY, "name = \"films\"", "name = \"songs\"");
    resolution(&other, &format!("{popularity}by = [\"country\"]"), no(UnknownName, "data = \"songs\""));
    let other = edited(POLICY, "recommendations = ", "billing = ");
    resolution(
        &other,
        &format!("{popularity}by = [\"country\"]"),
        no(UnknownName, "no purpose `recommendations`"),
    );
    let twice = format!("{POLICY}\n[tables.more]\nsource = \"m.csv\"\nkey = [\"movie_id\"]\n");
    let keys = format!("{popularity}by = [{{ column = \"movie_id\", keys = \"table\" }}]");
    resolution(&twice, &keys, no(Conflict, "several public tables"));
}
