//! Looks again at what earlier comparisons have found, so that a finding ends when the difference does.

use entity::finding;

use super::examine::{Doubt, Verdict, examine};
use super::keep;
use super::report::{Difference, Outcome};
use super::run::{Run, Stop};
use crate::findings::Kind;

impl Run<'_> {
    /// What earlier runs found is looked at one by one, wherever it lies, and is over when it no longer differs.
    pub(super) async fn look_at_earlier_findings(&mut self) -> Result<(), Stop> {
        for earlier in keep::earlier(self.app, self.began).await? {
            // Money that Toss once showed is not gone because it does not show it now.
            let theirs = earlier.kind == Kind::MissingHere.name();
            let doubt = Doubt {
                order_id: earlier.order_id.clone().unwrap_or_else(|| earlier.subject.clone()),
                // About another attempt's money the books' own key would say nothing.
                payment_key: earlier.payment_key.clone(),
                listed: theirs,
            };
            let verdict = self.unless_stopping(examine(self.app, &doubt)).await?;
            self.untold(&verdict);
            self.may_go_on()?;
            match verdict {
                Verdict::Agrees => keep::over(self.app, &earlier).await?,
                Verdict::UnderWay => {}
                Verdict::Differs(difference) | Verdict::Untold(difference) => {
                    self.seen_again(&earlier, difference).await?;
                }
            }
        }
        Ok(())
    }

    /// What an earlier run has found still differs, if perhaps in another way, or has just been repaired.
    async fn seen_again(&mut self, earlier: &finding::Model, difference: Difference) -> Result<(), Stop> {
        let same = (difference.kind.name(), difference.subject())
            == (earlier.kind.as_str(), earlier.subject.as_str());
        match difference.outcome {
            Outcome::Repaired => keep::over(self.app, earlier).await?,
            Outcome::Reported if !same => keep::over(self.app, earlier).await?,
            Outcome::Reported | Outcome::Unsettled => {}
        }
        let subject = |one: &Difference| (one.kind, one.subject().to_owned());
        let known = self.report.differences.iter().any(|one| subject(one) == subject(&difference));
        if !known {
            self.count(&difference);
            keep::report(self.app, std::slice::from_ref(&difference)).await?;
            self.report.differences.push(difference);
        }
        Ok(())
    }
}
