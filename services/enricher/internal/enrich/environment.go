package enrich

import (
	"strings"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/useragent"
)

// describe fills the environment: what the request's headers say, and what they leave open from the recorder.
func describe(headers useragent.Environment, sent *event.Sent, out *event.Enriched) {
	out.Browser, out.BrowserVersion = prefer(headers.Browser, headers.BrowserVersion, sent.Browser)
	out.Os, out.OsVersion = prefer(headers.OS, headers.OSVersion, sent.OS)
	out.DeviceType, out.DeviceBrand, out.DeviceModel = headers.DeviceType, headers.DeviceBrand, headers.DeviceModel
	if headers.DeviceType == "" && headers.DeviceModel == "" {
		out.DeviceType, out.DeviceBrand, out.DeviceModel = deviceType(sent.Device), sent.Device.Brand, sent.Device.Model
	}
	out.IsBot, out.BotName = headers.IsBot, headers.BotName
	out.ScreenWidth, out.ScreenHeight = sent.ScreenWidth, sent.ScreenHeight
	out.Language, out.Timezone = sent.Language, sent.Timezone
}

// prefer takes name and version from the headers, or both from the recorder: a name of one and a version of the other
// would describe no software at all. Only a version of the same name fills a missing one.
func prefer(name, version string, sent event.Software) (string, string) {
	sentName, sentVersion := sent.Name, sent.Version
	if sentName == "" {
		sentName, sentVersion = splitSoftware(sent.Text)
	}
	switch {
	case name == "":
		return sentName, sentVersion
	case version == "" && strings.EqualFold(name, sentName):
		return name, sentVersion
	}
	return name, version
}

// splitSoftware splits "Chrome 72.0.3626.121" at the last space that a digit follows.
func splitSoftware(s string) (name, version string) {
	s = strings.TrimSpace(s)
	i := strings.LastIndexByte(s, ' ')
	if i < 0 || s[i+1] < '0' || s[i+1] > '9' {
		return s, ""
	}
	return strings.TrimSpace(s[:i]), s[i+1:]
}

// deviceType is the kind of device that an app runs on. Apps name its platform where browsers name its form.
func deviceType(d event.Device) string {
	kind := strings.ToLower(d.Type)
	switch {
	case strings.HasPrefix(d.Model, "iPad"):
		return "tablet"
	case kind == "ios" || kind == "android":
		return "mobile"
	}
	return kind
}
