//! A client that is sent elsewhere by its server: off unless the program allows some.

use super::connections::Link;
use super::plan::Failure;
use super::{DisconnectReason, Ending, NetworkDriver};
use crate::log::note;
use crate::proto::http::ResponseHead;
use crate::proto::redirect::{is_redirect, resolve};
use crate::pump::StreamId;

impl NetworkDriver {
    /// Follows an answer that sends the client elsewhere. False when it does not, or when the
    /// program does not want to be sent.
    pub(super) fn follow_redirect(
        &mut self,
        id: StreamId,
        index: u32,
        head: &ResponseHead,
    ) -> bool {
        let entry = self.connections.at(index);
        let interface = entry.interface;
        let Some(plan) = &mut entry.plan else { return false };
        let location = head.header("location").filter(|_| is_redirect(head.status()));
        let Some(location) = location.filter(|_| plan.redirects_max > 0) else { return false };
        if plan.redirects >= plan.redirects_max {
            let text = format!("the server redirects more than {} times", plan.redirects_max);
            self.attempt_failed(id, Failure::rejected(head.status(), text));
            return true;
        }
        let url = match resolve(&plan.url, location) {
            Ok(url) => url,
            Err(error) => {
                let text = format!("the server redirects to {location:?}: {error}");
                self.attempt_failed(id, Failure::rejected(head.status(), text));
                return true;
            }
        };
        note!(Info, "{} redirects to {url}", plan.url);
        plan.redirects += 1;
        plan.go_to(url.clone());
        let settings = plan.tls_settings.clone();
        let tls = url.secure.then(|| self.url_tls(interface, &url.host, settings.as_deref()));
        let tls = match tls.transpose() {
            Ok(tls) => tls,
            Err(error) => {
                self.attempt_failed(id, Failure::tls(error.text()));
                return true;
            }
        };
        if let Some(plan) = &mut self.connections.at(index).plan {
            plan.tls = tls;
        }
        self.start_over(id, index);
        true
    }

    /// The plan has changed: the stream ends, and another one is tried.
    pub(super) fn start_over(&mut self, id: StreamId, index: u32) {
        self.streams.detach(id);
        self.drop_stream(id);
        self.connections.at(index).link = Link::None;
        if let Err(error) = self.locate(index) {
            let reason = DisconnectReason::ConnectionLost;
            self.end(index, Ending::with_text(reason, error.text().to_owned()));
        }
    }
}
