package enrich

import (
	"net/netip"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/clientip"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/recorder"
)

// protect fills what may be personal, as far as the account's policy lets it: the address is masked always, URLs and
// title are left out unless collected. A collected URL keeps its query, which may hold what the site put there.
func protect(ip netip.Addr, page recorder.Page, policy account.Policy, out *event.Enriched) {
	if masked := clientip.Mask(ip); masked.IsValid() {
		out.IpMasked = masked.String()
	}
	if policy.CollectURL {
		u, referrer := splitURL(page.URL), splitURL(page.Referrer)
		out.Url, out.UrlHost, out.UrlPath = recorder.Cut(u.text, recorder.MaxURL), recorder.Cut(u.host, recorder.MaxURL), recorder.Cut(u.path, recorder.MaxURL)
		out.Referrer = recorder.Cut(referrer.text, recorder.MaxURL)
		flagIf(u.redacted, event.WarnRedacted, "$.page.url", out)
		flagIf(referrer.redacted, event.WarnRedacted, "$.page.referrer", out)
	}
	if policy.CollectTitle {
		out.PageTitle = page.Title
	}
}
