//! Reads what a job and its releases may cost.

use super::types::Share;
use super::{Amount, Job, Release, Spend};
use crate::diagnostic::Code;
use crate::document::{Fields, NodeValue, Reader};

pub(super) fn amount(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Option<Amount>> {
    match (fields.get("epsilon"), fields.get("rho")) {
        (None, None) => Some(None),
        (Some(node), None) => Some(Some(Amount::Epsilon(reader.loss(node)?))),
        (None, Some(node)) => Some(Some(Amount::Rho(reader.loss(node)?))),
        (Some(_), Some(node)) => reader.fail(node, Code::Conflict, "give epsilon or rho, not both", None),
    }
}

pub(super) fn spend(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Spend> {
    let own = amount(reader, fields);
    let share = fields.optional("share", |node| {
        let (NodeValue::Integer(text) | NodeValue::Float(text)) = &node.value else {
            return reader.fail(
                node,
                Code::WrongType,
                format!("share must be a number, not {}", node.kind()),
                None,
            );
        };
        match Share::parse(text) {
            Some(share) => Some(share),
            None => {
                let message = "share must be a positive number below 1000000, of at most six decimals";
                reader.fail(node, Code::BadValue, message, None)
            }
        }
    });
    match (own?, share?) {
        (None, None) => Some(Spend::default()),
        (None, Some(share)) => Some(Spend::Share(share)),
        (Some(amount), None) => Some(Spend::Own(amount)),
        (Some(_), Some(_)) => {
            let node = fields.get("share")?;
            let message = "a release has a share of the job's total, or an amount of its own: not both";
            reader.fail(node, Code::Conflict, message, None)
        }
    }
}

/// Shares need something to share, and a total needs somebody to share it.
pub(super) fn check_spending(reader: &mut Reader<'_>, fields: &Fields<'_>, job: &Job) {
    let sharing = |release: &Release| matches!(release.spend, Spend::Share(_));
    let items = fields.get("release").map(|node| &node.value);
    if job.total.is_none()
        && let Some(NodeValue::Array(items)) = items
        && let Some((_, item)) = job.releases.iter().zip(items).find(|(release, _)| sharing(release))
    {
        let help = "add [job] with epsilon = 1.0; or epsilon to this release".to_owned();
        reader.report(item, Code::MissingField, "this release has nothing to spend".to_owned(), help);
    }
    if let (Some(_), Some(node), false) = (job.total, fields.get("job"), job.releases.iter().any(sharing)) {
        let help = "remove it; or remove the releases' own epsilon or rho".to_owned();
        reader.report(node, Code::Conflict, "no release shares the job's total".to_owned(), help);
    }
}
