// Package privacy is where an account's policy becomes what is stored: all that it forbids is taken out here, last of all stages, so that one page
// answers for it.
package privacy

import (
	"slices"
	"strings"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
)

// Apply takes out of e what policy forbids. Whatever the policy, e has the client's address masked only (pkg/clientip), and of the recorder's traits nothing.
//
//	collect_url      url, url_host, url_path, referrer, referrer_host, the campaign's parameters, and what the two tell of the traffic's source
//	collect_title    page_title
//	identification   none: user_id and company_id. Which of several ids is user_id the stage before has decided.
//	                 none and generated: what calls say of an end user or a company (item type user), traits and ids alike
func Apply(policy account.Policy, e *event.Enriched) {
	if !policy.CollectURL {
		e.Url, e.UrlHost, e.UrlPath, e.Referrer, e.ReferrerHost, e.TrafficSource = "", "", "", "", "", ""
		e.UtmSource, e.UtmMedium, e.UtmCampaign, e.UtmTerm, e.UtmContent = "", "", "", "", ""
		forget(e, "page.url", "page.referrer", "context.page.url", "context.page.referrer")
	}
	if !policy.CollectTitle {
		e.PageTitle = ""
		forget(e, "page.title", "context.page.title")
	}
	if !policy.Identification.Stores() {
		e.UserId, e.CompanyId = "", ""
		forget(e, "user.id", "company", "company.id", "userId", "groupId", "context.groupId")
	}
	if e.ItemType == event.UserItem && !policy.Identification.Accepts("") {
		e.Props, e.Detail, e.Flags = nil, nil, nil
	}
}

// forget takes out the flags of members: what was wrong with a text tells that there was one.
func forget(e *event.Enriched, members ...string) {
	e.Flags = slices.DeleteFunc(e.Flags, func(flag string) bool {
		_, member, _ := strings.Cut(flag, ":")
		return slices.Contains(members, member)
	})
}
