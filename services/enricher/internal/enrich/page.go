package enrich

import (
	"net/netip"

	"github.com/waymark-events/waymark/pkg/clientip"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/traffic"
)

// arrive fills where the visitor is and came from: the address, masked, the page and the page before it, without user names and passwords. A
// URL keeps its query, which may hold what the site put there.
func arrive(ip netip.Addr, page event.Page, out *event.Enriched) {
	if masked := clientip.Mask(ip); masked.IsValid() {
		out.IpMasked = masked.String()
	}
	here, before := splitURL(page.URL), splitURL(page.Referrer)
	out.Url, out.UrlHost, out.UrlPath = event.Cut(here.text, event.MaxURL), event.Cut(here.host, event.MaxURL), event.Cut(here.path, event.MaxURL)
	out.Referrer, out.ReferrerHost = event.Cut(before.text, event.MaxURL), event.Cut(before.host, event.MaxURL)
	out.PageTitle = page.Title
	flagIf(here.redacted, event.WarnRedacted, "$.page.url", out)
	flagIf(before.redacted, event.WarnRedacted, "$.page.referrer", out)
	if page.URL == "" && page.Referrer == "" {
		return // no page is no direct visit
	}
	v := traffic.Of(here.text, here.host, before.host)
	out.TrafficSource = v.Source
	out.UtmSource, out.UtmMedium, out.UtmCampaign, out.UtmTerm, out.UtmContent = v.UTM.Source, v.UTM.Medium, v.UTM.Campaign, v.UTM.Term, v.UTM.Content
}
