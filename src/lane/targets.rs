//! Policies: which of its attachments the copy of a policy has.

use foldhash::{HashMap, HashSet};

use super::facts::Facts;
use super::own::{self, meant};
use super::select::{Copy, Plan, Role};
use super::{Built, GrayObject};
use crate::baseline::Object;
use crate::diagnostic::Diagnostic;
use crate::kube::object::ObjectRef;
use crate::kube::policies::{
    is_attachment, is_policy, is_position, lost_sections, place_in_list, rule_names, section,
};
use crate::kube::references::{Reference, references};
use crate::yaml::{Document, NodeRef};

/// What the copies of policies can be attached to.
pub(super) struct Targets<'a> {
    plan: &'a Plan<'a>,
    facts: &'a Facts,
    /// The objects of the lane, by the names they have there.
    gray: HashSet<ObjectRef>,
    /// The canary routes of the routes that copied policies are attached to.
    routes: HashMap<&'a ObjectRef, CanaryRoute>,
}

/// A canary route as a target.
struct CanaryRoute {
    id: ObjectRef,
    /// The named rules of the baseline's route that it does not have.
    lost: HashSet<String>,
}

/// Why the copy of a policy cannot have an attachment of its own.
enum Obstacle<'a> {
    /// The target has no gray copy.
    NotCopied,
    /// The canary route is of another kind than the target.
    OtherKind(&'a ObjectRef),
    /// The canary route does not have the rule of this name.
    Section(&'a ObjectRef, String),
    /// The rule is called by its position, which may be another's in the canary route.
    Position(&'a ObjectRef, String),
}

impl<'a> Targets<'a> {
    /// Those of a plan. `build` makes the canary route of an entry; what is wrong with one is told
    /// where it is made for the lane.
    pub(super) fn of(
        plan: &'a Plan<'a>,
        facts: &'a Facts,
        build: impl Fn(&Self, &Copy) -> Built,
    ) -> Self {
        let mut targets =
            Self { plan, facts, gray: HashSet::default(), routes: HashMap::default() };
        if plan.copies.iter().any(|copy| is_policy(&facts.object(copy.object).id)) {
            let named =
                |(id, name): (&ObjectRef, &String)| ObjectRef { name: name.clone(), ..id.clone() };
            targets.gray = plan.gray_names.iter().map(named).collect();
        }
        let is_copied_policy = |number: &usize| {
            let id = &facts.object(*number).id;
            is_policy(id) && plan.gray_names.contains_key(id)
        };
        for copy in plan.copies.iter().filter(|copy| copy.role == Role::Entry) {
            let route = facts.object(copy.object);
            if !facts.referrers(&route.id).iter().any(is_copied_policy) {
                continue;
            }
            let Ok((canary, ..)) = build(&targets, copy) else { continue };
            let lost = lost(route, &canary);
            targets.routes.insert(&route.id, CanaryRoute { id: canary.id, lost });
        }
        targets
    }

    /// The positions of the attachments that the copy of a policy leaves to the baseline's: two
    /// policies of one kind on one target conflict, and a rule that the canary route does not have
    /// cannot be attached to. None where it would be left with none, which is refused.
    pub(super) fn of_others(&self, named: &[Reference], policy: &Document) -> Vec<usize> {
        let (others, own): (Vec<_>, Vec<_>) = named
            .iter()
            .filter_map(|each| Some((place_in_list(each)?, each)))
            .partition(|(_, each)| self.obstacle(each, policy).is_some());
        let others = others.into_iter().map(|(position, _)| position);
        if own.is_empty() { Vec::new() } else { others.collect() }
    }

    /// What is wrong with the copy of a policy that would be attached to nothing of the lane. Of two
    /// policies on one target gateways take the older.
    ///
    /// Source: gateway-api.sigs.k8s.io/geps/gep-713 (conflict resolution; a section that does not
    /// exist).
    pub(super) fn refused(
        &self,
        object: &Object,
        named: &[Reference],
        policy: &Document,
    ) -> Option<Diagnostic> {
        let (attachment, obstacle) = self.against_all(named, policy)?;
        let (what, target) = (&object.id, &attachment.target);
        let (message, remedy) = match obstacle {
            Obstacle::NotCopied => (
                format!(
                    "the copy of {what} would be a second policy of {target}, which has no gray copy"
                ),
                "copy only policies of what the lane has a copy of".to_owned(),
            ),
            Obstacle::OtherKind(canary) => (
                format!(
                    "the copy of {what} cannot be for {canary}, as what it is made from is for {target}"
                ),
                format!(
                    "take it out of `copy`, and say that the lane goes without it: `policies: {{{}/{}: skip}}`",
                    what.kind, what.name
                ),
            ),
            Obstacle::Position(canary, section) => (
                format!(
                    "the copy of {what} would be for `{section}`, which counts the rules: {canary} has others than {target}"
                ),
                format!(
                    "give that rule of {target} a `name`, and the policy that name as `sectionName`"
                ),
            ),
            Obstacle::Section(canary, section) => (
                format!(
                    "the copy of {what} would be for the rule `{section}`, which {canary} does not have"
                ),
                format!(
                    "take it out of `copy`: requests for that rule stay with {target} and its policy"
                ),
            ),
        };
        let place = object.document().find(&attachment.path).and_then(NodeRef::place);
        Some(Diagnostic::error(message).at(place).remedy(remedy))
    }

    /// The note on a policy that the spec wants copied by its kind alone, and whose copy would be
    /// attached to nothing: it is left out.
    pub(super) fn left_out(&self, copy: &Copy) -> Option<Diagnostic> {
        let object = self.facts.object(copy.object);
        let id = &object.id;
        if !is_policy(id) {
            return None;
        }
        let mut by_name = self.plan.services.iter().flat_map(|service| &service.spec.copy);
        if by_name.any(|(name, _)| (&name.kind, &name.name) == (&id.kind, &id.name)) {
            return None;
        }
        let policy = own::rendering(self.facts, copy).unwrap_or(object).document();
        let named = references(policy.root(), id);
        let (attachment, obstacle) = self.against_all(&named, &policy)?;
        let target = &attachment.target;
        let why = match obstacle {
            Obstacle::NotCopied => return None,
            Obstacle::OtherKind(canary) => {
                format!("it is for {target}, and the lane has {canary} in place of that")
            }
            Obstacle::Position(canary, section) => {
                format!(
                    "it is for `{section}` of {target}, which counts the rules: {canary} has others"
                )
            }
            Obstacle::Section(canary, section) => {
                format!("it is for the rule `{section}` of {target}, which {canary} does not have")
            }
        };
        let service = &self.plan.services[copy.service].spec.name;
        let note = Diagnostic::note(format!("{id} of `{service}` is not copied: {why}"));
        Some(note.at(object.place()))
    }

    /// What stands against all attachments of a policy's copy, if something does: of the first whose
    /// target is copied, else of the first.
    fn against_all<'n>(
        &self,
        named: &'n [Reference],
        policy: &Document,
    ) -> Option<(&'n Reference, Obstacle<'_>)> {
        let attachments = named.iter().filter(|each| is_attachment(each));
        let all: Option<Vec<_>> =
            attachments.map(|each| Some((each, self.obstacle(each, policy)?))).collect();
        let mut all = all?;
        let is_of_route = |(_, why): &(_, Obstacle<'_>)| !matches!(why, Obstacle::NotCopied);
        let first = all.iter().position(is_of_route).unwrap_or(0);
        (first < all.len()).then(|| all.swap_remove(first))
    }

    fn obstacle(&self, attachment: &Reference, policy: &Document) -> Option<Obstacle<'_>> {
        let target = meant(self.facts, &attachment.target);
        if !self.plan.gray_names.contains_key(target) {
            // A patch may have written the gray name.
            let is_gray = self.gray.contains(&attachment.target);
            return (!is_gray).then_some(Obstacle::NotCopied);
        }
        let canary = self.routes.get(target)?;
        if canary.id.group_kind() != target.group_kind() {
            return Some(Obstacle::OtherKind(&canary.id));
        }
        let section = section(policy, attachment)?;
        if canary.lost.contains(section) {
            return Some(Obstacle::Section(&canary.id, section.to_owned()));
        }
        let route = self.facts.baseline.get(target)?.document();
        let counts =
            is_position(policy, section) && !rule_names(&route).any(|name| name == section);
        counts.then(|| Obstacle::Position(&canary.id, section.to_owned()))
    }
}

fn lost(route: &Object, canary: &GrayObject) -> HashSet<String> {
    let Some(there) = canary.document() else { return HashSet::default() };
    let route = route.document();
    lost_sections(&route, &there).into_iter().map(str::to_owned).collect()
}
