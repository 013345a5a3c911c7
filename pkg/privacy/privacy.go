// Package privacy is where an account's policy becomes what is stored: all that it forbids is taken out here, last of all stages, so that one page
// answers for it.
package privacy

import (
	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
)

// Apply takes out of e what policy forbids. Whatever the policy, e has the client's address masked only (pkg/clientip), and of traits nothing.
//
//	collect_url      url, url_host, url_path, referrer, referrer_host, the campaign's parameters, and what the two tell of the traffic's source
//	collect_title    page_title
//	identification   none: user_id and company_id. Which of several ids is user_id the stage before has decided
func Apply(policy account.Policy, e *event.Enriched) {
	if !policy.CollectURL {
		e.Url, e.UrlHost, e.UrlPath, e.Referrer, e.ReferrerHost, e.TrafficSource = "", "", "", "", "", ""
		e.UtmSource, e.UtmMedium, e.UtmCampaign, e.UtmTerm, e.UtmContent = "", "", "", "", ""
	}
	if !policy.CollectTitle {
		e.PageTitle = ""
	}
	if !policy.Identification.Stores() {
		e.UserId, e.CompanyId = "", ""
	}
}
