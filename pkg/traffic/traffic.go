package traffic

import (
	"net/url"
	"strings"
)

// Sources of a visit.
const (
	Direct   = "direct"   // no referrer: typed, a bookmark, an app, or a page that sends none
	Search   = "search"   // a search engine's results
	Social   = "social"   // a social network
	Mail     = "mail"     // a web mailer
	Campaign = "campaign" // the page's URL has utm parameters, or an advertiser's click id
	Referral = "referral" // any other site
	Internal = "internal" // the site itself
)

// Sources are all of them.
var Sources = []string{Direct, Search, Social, Mail, Campaign, Referral, Internal}

// UTM are a campaign's parameters, as the page's URL has them, decoded and cut to MaxUTM characters each.
type UTM struct{ Source, Medium, Campaign, Term, Content string }

// MaxUTM bounds a parameter, in characters.
const MaxUTM = 200

// A Visit is where somebody came from.
type Visit struct {
	Source string
	UTM    UTM
}

// Of tells where the visitor of a page came from. page is the whole URL; the hosts are in lower case and without port, empty where there
// is none.
//
// A campaign counts before anything else: its parameters were put there to be counted. Then the site itself, its other subdomains included, and
// then whose host the referrer is.
func Of(page, pageHost, referrerHost string) Visit {
	utm, isCampaign := parameters(page)
	v := Visit{UTM: utm}
	switch {
	case isCampaign:
		v.Source = Campaign
	case referrerHost == "":
		v.Source = Direct
	case sameSite(pageHost, referrerHost):
		v.Source = Internal
	default:
		v.Source = known.source(referrerHost)
	}
	return v
}

// sameSite tells whether two hosts are one's subdomain, or both www's or an app's beside each other. Without the list of public suffixes it errs
// for neighbours under one: shop.example.com and app.example.com are taken for two sites unless one contains the other.
func sameSite(page, referrer string) bool {
	page, referrer = strings.TrimPrefix(page, "www."), strings.TrimPrefix(referrer, "www.")
	return page == referrer || strings.HasSuffix(page, "."+referrer) || strings.HasSuffix(referrer, "."+page)
}

// clickIDs are what advertisers put on the URLs that they send people to (Google, Microsoft, Meta's paid links, TikTok, LinkedIn, X, Yandex).
var clickIDs = []string{"gclid", "gbraid", "wbraid", "dclid", "msclkid", "ttclid", "li_fat_id", "twclid", "yclid"}

// parameters reads a URL's utm parameters, from its query or, as single-page applications have them, its fragment.
func parameters(page string) (utm UTM, isCampaign bool) {
	start := strings.IndexAny(page, "?#")
	if start < 0 {
		return utm, false
	}
	// The first of a name counts, as analytics tools have it.
	for part := range strings.FieldsFuncSeq(page[start:], func(r rune) bool { return r == '?' || r == '#' || r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(part, "=")
		if value == "" {
			continue
		}
		var into *string
		switch strings.ToLower(name) {
		case "utm_source":
			into = &utm.Source
		case "utm_medium":
			into = &utm.Medium
		case "utm_campaign":
			into = &utm.Campaign
		case "utm_term":
			into = &utm.Term
		case "utm_content":
			into = &utm.Content
		default:
			for _, id := range clickIDs {
				isCampaign = isCampaign || strings.EqualFold(name, id)
			}
			continue
		}
		isCampaign = true
		if *into == "" {
			*into = decode(value)
		}
	}
	return utm, isCampaign
}

// decode undoes a query's encoding; what is not encoded as it should be stays as it is.
func decode(value string) string {
	if decoded, err := url.QueryUnescape(value); err == nil {
		value = decoded
	}
	value = strings.ToValidUTF8(value, "\uFFFD")
	n := 0
	for at := range value {
		if n++; n > MaxUTM {
			return value[:at]
		}
	}
	return value
}
