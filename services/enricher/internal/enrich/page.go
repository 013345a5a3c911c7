package enrich

import (
	"net/netip"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/traffic"
)

// arrive fills where the visitor is and came from: what of the address may be stored, the page and the page before it, without user names and
// passwords. URLs are whole, with their queries: cutURLs comes after all that may be taken out of them.
func arrive(ip netip.Addr, page event.Page, out *event.Enriched) {
	if ip.IsValid() {
		out.IpMasked = ip.String()
	}
	here, before := splitURL(page.URL), splitURL(page.Referrer)
	out.Url, out.UrlHost, out.UrlPath = here.text, here.host, here.path
	out.Referrer, out.ReferrerHost = before.text, before.host
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

// cutURLs cuts URLs to what is stored of them.
func cutURLs(out *event.Enriched) {
	for _, field := range [...]*string{&out.Url, &out.UrlHost, &out.UrlPath, &out.Referrer, &out.ReferrerHost} {
		*field = event.Cut(*field, event.MaxURL)
	}
}
