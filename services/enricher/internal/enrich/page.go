package enrich

import (
	"net/netip"

	"github.com/waymark-events/waymark/pkg/clientip"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/traffic"
)

// arrive fills where the visitor is and came from: the address, masked, the page and the page before it, without user names and passwords. A
// URL keeps its query, which may hold what the site put there. The campaign is the URL's, or the one that the event names where that has none.
func arrive(ip netip.Addr, sent *event.Sent, out *event.Enriched) {
	page := sent.Page
	if masked := clientip.Mask(ip); masked.IsValid() {
		out.IpMasked = masked.String()
	}
	here, before := splitURL(page.URL), splitURL(page.Referrer)
	out.Url, out.UrlHost, out.UrlPath = event.Cut(here.text, event.MaxURL), event.Cut(here.host, event.MaxURL), event.Cut(here.path, event.MaxURL)
	out.Referrer, out.ReferrerHost = event.Cut(before.text, event.MaxURL), event.Cut(before.host, event.MaxURL)
	out.PageTitle = page.Title
	flagIf(here.redacted, event.WarnRedacted, "$.page.url", out)
	flagIf(before.redacted, event.WarnRedacted, "$.page.referrer", out)
	var v traffic.Visit
	if page.URL != "" || page.Referrer != "" { // no page is no direct visit
		v = traffic.Of(here.text, here.host, before.host)
	}
	if c := sent.Campaign; v.UTM == (traffic.UTM{}) && c != (event.Campaign{}) {
		v.Source, v.UTM = traffic.Campaign, traffic.UTM{Source: c.Source, Medium: c.Medium, Campaign: c.Name, Term: c.Term, Content: c.Content}
	}
	out.TrafficSource = v.Source
	out.UtmSource, out.UtmMedium, out.UtmCampaign, out.UtmTerm, out.UtmContent = v.UTM.Source, v.UTM.Medium, v.UTM.Campaign, v.UTM.Term, v.UTM.Content
}
