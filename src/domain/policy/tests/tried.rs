//! Rules that are tried: nobody is refused for them, and it is told who would be.

use super::*;

#[test]
fn a_route_that_only_tries_its_rules_admits_and_tells_whom_it_would_have_refused() {
    let (route, ada, cy) = (route(shadowed(work_only()), None), ada(), cy());
    for (who, would_be_refused) in [(&ada, None), (&cy, Some(Reason::PersonalAccountNotAllowed))] {
        let permit = route.judge(Subject { principal: who, grant: None }).expect("nobody is refused");
        assert_eq!(permit.would_be_refused(), would_be_refused);
    }
    let nobody = route.decide(Presented::Nothing);
    assert!(matches!(nobody, Decision::Challenge(Reason::SignInRequired)), "signing in is not what is tried");
}

#[test]
fn what_an_access_token_may_do_is_tried_but_whom_it_is_meant_for_is_enforced() {
    let grant = |audience: &str, scope: &str| AccessGrant {
        audiences: vec![audience.into()],
        scopes: vec![scope.into()],
        expires_at: Timestamp::from_unix_seconds(0),
    };
    let bearer = BearerRequirements { audiences: names(&["api"]), scopes: names(&["read"]), roles: vec![] };
    let [tried, closed] = [Some(bearer), None].map(|bearer| route(shadowed(work_only()), bearer));
    let would_be_refused = |route: &Route, grant: &AccessGrant| {
        let (who, cy) = (ada(), cy());
        let admitted =
            |who: &Principal| route.judge(Subject { principal: who, grant: Some(grant) }).map(|permit| permit.would_be_refused());
        (admitted(&who), admitted(&cy).is_ok())
    };
    assert_eq!(would_be_refused(&tried, &grant("api", "read")), (Ok(None), true));
    assert_eq!(would_be_refused(&tried, &grant("api", "write")), (Ok(Some(Reason::InsufficientScope)), true));
    assert_eq!(would_be_refused(&tried, &grant("another api", "read")), (Err(Reason::InsufficientScope), false));
    assert_eq!(would_be_refused(&closed, &grant("api", "read")), (Err(Reason::InvalidToken), false));
}

#[test]
fn of_two_sessions_the_one_that_passes_what_is_tried_comes_first() {
    let route = route(shadowed(work_only()), None);
    let (ada, cy) = (ada(), cy());
    for (sessions, kind, would_be_refused) in [
        (vec![&cy, &ada], AccountKind::Work, None),
        (vec![&ada, &cy], AccountKind::Work, None),
        (vec![&cy], AccountKind::Personal, Some(Reason::PersonalAccountNotAllowed)),
    ] {
        let Decision::Allow(permit, _) = route.decide(Presented::Sessions(&sessions)) else { panic!("nobody is refused") };
        assert_eq!((permit.principal().map(|who| who.kind), permit.would_be_refused()), (Some(kind), would_be_refused));
    }
}
