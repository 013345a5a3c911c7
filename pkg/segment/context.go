package segment

import (
	"net/netip"
	"strings"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/lenient"
)

// context reads what a message or a batch says of its surroundings.
func (r *reader) context(name string) error {
	s := r.sent
	switch name {
	case "page":
		return r.Part("$.context.page", r.contextPage)
	case "campaign":
		return r.Part("$.context.campaign", r.campaign)
	case "userAgent":
		return r.String("$.context.userAgent", lenient.MaxName, &s.Client.UserAgent)
	case "userAgentData", "ua-ch":
		return r.userAgentData()
	case "ip":
		return r.ip()
	case "locale":
		return r.String("$.context.locale", lenient.MaxWord, &s.Language)
	case "timezone":
		err := r.String("$.context.timezone", lenient.MaxWord, &s.Timezone)
		if strings.HasPrefix(s.Timezone, "GMT+") || strings.HasPrefix(s.Timezone, "GMT-") {
			s.Timezone = "" // RudderStack's SDK for pages sends the offset, which is no zone
		}
		return err
	case "library":
		return r.Part("$.context.library", r.library)
	case "os":
		return r.Part("$.context.os", r.os)
	case "device":
		return r.Part("$.context.device", r.device)
	case "app":
		return r.Raw("$.context.app", lenient.AnObject, lenient.MaxDetailNames, &r.app)
	case "screen":
		return r.Part("$.context.screen", r.screen)
	case "groupId":
		return r.ID("$.context.groupId", lenient.MaxID, lenient.APerson, &r.contextGroup)
	case "sessionId":
		return r.ID("$.context.sessionId", lenient.MaxID, lenient.AnItem, &s.Session) // RudderStack's are numbers
	case "environment":
		return r.String("$.context.environment", lenient.MaxWord, &s.Environment)
	case "consent":
		return r.Part("$.context.consent", r.consent)
	case "traits":
		return r.Raw("$.context.traits", lenient.AnObject, lenient.MaxNames, &r.contextTraits)
	}
	return r.Skip()
}

func (r *reader) contextPage(name string) error {
	p := &r.sent.Page
	switch name {
	case "url":
		return r.URL("$.context.page.url", &p.URL)
	case "title":
		return r.String("$.context.page.title", lenient.MaxName, &p.Title)
	case "referrer":
		return r.URL("$.context.page.referrer", &p.Referrer)
	}
	return r.Skip()
}

// maxPurposes is how many purposes a consent names.
const maxPurposes = 64

// consent reads categoryPreferences: whether each purpose was allowed. One that cannot be read was not; its name is the client's own, and not told.
func (r *reader) consent(name string) error {
	const path = "$.context.consent.categoryPreferences"
	if name != "categoryPreferences" {
		return r.Skip()
	}
	return r.Part(path, func(name string) error {
		var granted bool
		unsaid := r.Kind() == 'n'
		if err := r.Boolean(path, &granted); err != nil || unsaid {
			return err
		}
		c := &r.sent.Consent
		if len(c.Purposes) == maxPurposes || len(event.Cut(name, lenient.MaxWord)) < len(name) {
			r.Warn(event.WarnDropped, path)
			return nil
		}
		c.Purposes = append(c.Purposes, event.Purpose{Name: name, Granted: granted})
		return nil
	})
}

func (r *reader) campaign(name string) error {
	c := &r.sent.Campaign
	switch name {
	case "source":
		return r.String("$.context.campaign.source", lenient.MaxWord, &c.Source)
	case "medium":
		return r.String("$.context.campaign.medium", lenient.MaxWord, &c.Medium)
	case "name":
		return r.String("$.context.campaign.name", lenient.MaxWord, &c.Name)
	case "term":
		return r.String("$.context.campaign.term", lenient.MaxWord, &c.Term)
	case "content":
		return r.String("$.context.campaign.content", lenient.MaxWord, &c.Content)
	}
	return r.Skip()
}

// pageLibraries run in pages: what their messages say of an address is a page's word.
var pageLibraries = []string{"analytics.js", "RudderLabs JavaScript SDK"}

func (r *reader) library(name string) error {
	l := &r.sent.Library
	switch name {
	case "name":
		err := r.String("$.context.library.name", lenient.MaxWord, &l.Name)
		for _, page := range pageLibraries {
			r.sent.Client.Page = r.sent.Client.Page || strings.EqualFold(l.Name, page)
		}
		return err
	case "version":
		return r.String("$.context.library.version", lenient.MaxWord, &l.Version)
	}
	return r.Skip()
}

func (r *reader) os(name string) error {
	switch name {
	case "name":
		return r.String("$.context.os.name", lenient.MaxWord, &r.sent.OS.Name)
	case "version":
		return r.String("$.context.os.version", lenient.MaxWord, &r.sent.OS.Version)
	}
	return r.Skip()
}

// device reads what an app knows of the device it runs on: pages and servers do not send it.
func (r *reader) device(name string) error {
	d := &r.sent.Device
	r.sent.Client.App = true
	switch name {
	case "type":
		return r.String("$.context.device.type", lenient.MaxWord, &d.Type)
	case "manufacturer":
		return r.String("$.context.device.manufacturer", lenient.MaxWord, &d.Brand)
	case "model":
		return r.String("$.context.device.model", lenient.MaxWord, &d.Model)
	}
	return r.Skip()
}

func (r *reader) screen(name string) error {
	switch name {
	case "width":
		return r.Pixels("$.context.screen.width", &r.sent.ScreenWidth)
	case "height":
		return r.Pixels("$.context.screen.height", &r.sent.ScreenHeight)
	}
	return r.Skip()
}

// ip reads the end user's address. What is no address is left out.
func (r *reader) ip() error {
	var text string
	if err := r.String("$.context.ip", lenient.MaxWord, &text); err != nil || text == "" {
		return err
	}
	address, err := netip.ParseAddr(strings.TrimSpace(text))
	if err != nil {
		r.Warn(event.WarnDropped, "$.context.ip")
		return nil
	}
	r.sent.Client.IP = address.Unmap().WithZone("")
	return nil
}
