package rows

import (
	"math"
	"unsafe"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

// fill appends r.e, whose ids are read already, to each column.
func (r *Events) fill(id, topic uuid.UUID) {
	e := &r.e
	r.n++
	r.eventID = append(r.eventID, id)
	r.account.Append(e.AccountId)
	r.region.Append(e.Region)
	r.event.Append(e.Event)
	r.itemType.Append(e.ItemType)
	r.itemID.Append(e.ItemId)
	r.itemName.Append(e.ItemName)
	r.interaction.Append(e.InteractionId)
	r.stepID.Append(e.StepId)
	r.stepIndex = append(r.stepIndex, e.StepIndex)
	r.stepName.Append(e.StepName)
	r.stepCount = append(r.stepCount, e.StepCount)
	r.iteration = append(r.iteration, e.Iteration)
	r.trigger.Append(e.Trigger)
	r.dismissReason.Append(e.DismissReason)
	r.failureReason.Append(e.FailureReason)
	r.itemLanguage.Append(e.ItemLanguage)
	r.preview = append(r.preview, e.Preview)
	r.environment.Append(e.Environment)
	r.time = append(r.time, clamp(e.Time))
	r.clientTime = append(r.clientTime, clamp(e.ClientTime))
	r.receivedAt = append(r.receivedAt, clamp(e.ReceivedAt))
	r.enrichedAt = append(r.enrichedAt, clamp(e.EnrichedAt))
	r.timeFlag = append(r.timeFlag, int8(e.TimeFlag))
	r.visitor.Append(e.VisitorId)
	r.user.Append(e.UserId)
	r.company.Append(e.CompanyId)
	r.session.Append(e.SessionId)
	r.url.Append(e.Url)
	r.urlHost.Append(e.UrlHost)
	r.urlPath.Append(e.UrlPath)
	r.title.Append(e.PageTitle)
	r.referrer.Append(e.Referrer)
	r.referrerHost.Append(e.ReferrerHost)
	r.trafficSource.Append(e.TrafficSource)
	r.utmSource.Append(e.UtmSource)
	r.utmMedium.Append(e.UtmMedium)
	r.utmCampaign.Append(e.UtmCampaign)
	r.utmTerm.Append(e.UtmTerm)
	r.utmContent.Append(e.UtmContent)
	r.browser.Append(e.Browser)
	r.browserVersion.Append(e.BrowserVersion)
	r.os.Append(e.Os)
	r.osVersion.Append(e.OsVersion)
	r.deviceType.Append(e.DeviceType)
	r.deviceBrand.Append(e.DeviceBrand)
	r.deviceModel.Append(e.DeviceModel)
	r.isBot = append(r.isBot, e.IsBot)
	r.botName.Append(e.BotName)
	r.screenWidth = append(r.screenWidth, e.ScreenWidth)
	r.screenHeight = append(r.screenHeight, e.ScreenHeight)
	r.language.Append(e.Language)
	r.timezone.Append(e.Timezone)
	r.ipMasked.Append(e.IpMasked)
	r.countryCode.Append(e.CountryCode)
	r.country.Append(e.Country)
	r.subdivision.Append(e.Subdivision)
	r.city.Append(e.City)
	degrees(&r.latitude, e.Latitude)
	degrees(&r.longitude, e.Longitude)
	r.asn = append(r.asn, e.Asn)
	r.asName.Append(e.AsName)
	r.props.Append(clickhouse.Object(e.Props))
	r.propsText.Append(text(e.Props))
	r.detail.Append(clickhouse.Object(e.Detail))
	r.detailText.Append(text(e.Detail))
	r.library.Append(e.Library)
	r.libraryVersion.Append(e.LibraryVersion)
	r.flags.Append(e.Flags)
	r.rawTopicID = append(r.rawTopicID, topic)
	r.rawPartition = append(r.rawPartition, e.RawPartition)
	r.rawLeaderEpoch = append(r.rawLeaderEpoch, e.RawLeaderEpoch)
	r.rawOffset = append(r.rawOffset, e.RawOffset)
	r.epoch = append(r.epoch, e.Epoch)
	r.expires = append(r.expires, expiry(e.Expires))
}

// never is the expiry of what is kept for ever: the last second of a DateTime.
const never = math.MaxUint32

// expiry is when a row expires, in Unix seconds; of 0 milliseconds it is never.
func expiry(millis int64) uint32 {
	if millis == 0 {
		return never
	}
	return uint32(min(max(millis/1000, 0), never))
}

// text is b as a string that aliases it.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// degrees appends d, NULL for nil.
func degrees(column *clickhouse.Floats, d *float64) {
	if d == nil {
		column.AppendNull()
		return
	}
	column.Append(float32(*d))
}
