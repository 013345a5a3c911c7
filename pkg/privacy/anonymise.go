package privacy

import (
	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/event"
)

// Anonymise takes out of e all that a person could be told by, and what may tell of one in words of their own or of the site's: identifiers,
// page, properties, and where on earth beyond the country. What happened to which item, when and on what software stays. The visitor becomes
// the event's own id, which no other event shares, so that two events are never seen to be one person's.
//
// waymarkctl's sql/anonymise.sql does the same to rows; a test holds the two together.
func Anonymise(e *event.Enriched) {
	id, err := uuid.FromBytes(e.EventId)
	if err != nil {
		id = uuid.Nil
	}
	e.VisitorId, e.UserId, e.CompanyId, e.SessionId, e.InteractionId = id.String(), "", "", "", ""
	e.Url, e.UrlHost, e.UrlPath, e.PageTitle, e.Referrer, e.ReferrerHost = "", "", "", "", "", ""
	e.UtmSource, e.UtmMedium, e.UtmCampaign, e.UtmTerm, e.UtmContent = "", "", "", "", ""
	e.IpMasked, e.Subdivision, e.City, e.Latitude, e.Longitude, e.Asn, e.AsName = "", "", "", nil, nil, 0, ""
	e.Props, e.Detail, e.Flags = nil, nil, nil
}
