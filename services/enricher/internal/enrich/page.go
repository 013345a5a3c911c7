package enrich

import (
	"net/netip"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/traffic"
)

// arrive fills where the visitor is and came from: what of the address may be stored, the page and the page before it, without user names and
// passwords. URLs are whole, with their queries: cutURLs comes after all that may be taken out of them. The campaign is the
// URL's, or the one that the event names where that has none.
func arrive(ip netip.Addr, sent *event.Sent, out *event.Enriched) {
	page := sent.Page
	if ip.IsValid() {
		out.IpMasked = ip.String()
	}
	here, before := splitURL(page.URL), splitURL(page.Referrer)
	out.Url, out.UrlHost, out.UrlPath = here.text, here.host, here.path
	out.Referrer, out.ReferrerHost = before.text, before.host
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

// cutURLs cuts URLs to what is stored of them.
func cutURLs(out *event.Enriched) {
	for _, field := range [...]*string{&out.Url, &out.UrlHost, &out.UrlPath, &out.Referrer, &out.ReferrerHost} {
		*field = event.Cut(*field, event.MaxURL)
	}
}
