package privacy

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
)

// open stores all that can be.
func open() account.Policy {
	return account.Policy{
		Identification: account.IdentifyCRM, Level: account.Everything, CollectURL: true, CollectPath: true, CollectTitle: true, Geo: account.GeoCity, IP: account.MaskIP,
		Consent: account.Consent{IgnoreGPC: true, IgnoreDNT: true}, Scrubbing: account.Scrubbing{Off: true, KeepQuery: []string{"*"}}, RetentionDays: account.Forever,
	}
}

// A setting is one value of one of the policy's members, and the fields of an event that are empty under it though all else is open.
type setting struct {
	change func(*account.Policy)
	empty  []string
}

func fields(names string) []string { return strings.Fields(names) }

var (
	theURL   = fields("Url Referrer ReferrerHost TrafficSource UtmSource UtmMedium UtmCampaign UtmTerm UtmContent")
	thePath  = fields("UrlHost UrlPath")
	thePage  = slices.Concat(theURL, thePath, fields("PageTitle"))
	theEnv   = fields("Browser BrowserVersion BotName Os OsVersion DeviceType DeviceBrand DeviceModel ScreenWidth ScreenHeight Language Timezone CompanyId")
	theText  = fields("Props")
	theCity  = fields("Subdivision City Latitude Longitude")
	theGeo   = slices.Concat(theCity, fields("CountryCode Country Asn AsName"))
	strictly = slices.Concat(fields("UserId IpMasked"), theGeo, thePage, theEnv, theText)
)

// matrix has every member of account.Policy; TestTheMatrixHasEveryMember sees to it.
var matrix = map[string]map[string]setting{
	"Identification": func() map[string]setting {
		out := map[string]setting{
			"none":            {func(p *account.Policy) { p.Identification = account.IdentifyNone }, fields("UserId CompanyId")},
			"left out":        {func(p *account.Policy) { p.Identification = "" }, fields("UserId CompanyId")},
			"of next version": {func(p *account.Policy) { p.Identification = "telepathy" }, fields("UserId CompanyId")},
		}
		for _, id := range []account.Identification{"generated", "cookie", "variable", "element", "idp", "crm", "hashed", "pseudonymised"} {
			out[string(id)] = setting{func(p *account.Policy) { p.Identification = id }, nil} // which id it is, and in which form, is decided before
		}
		return out
	}(),
	"Level": {
		"1":               {func(p *account.Policy) { p.Level = account.ItemEvents }, slices.Concat(thePage, theEnv, theText)},
		"2":               {func(p *account.Policy) { p.Level = account.Page }, theText},
		"3":               {func(p *account.Policy) { p.Level = account.Everything }, nil},
		"left out":        {func(p *account.Policy) { p.Level = 0 }, slices.Concat(thePage, theEnv, theText)},
		"of next version": {func(p *account.Policy) { p.Level = 4 }, slices.Concat(thePage, theEnv, theText)},
	},
	"Environments": {
		"the event's": {func(p *account.Policy) { p.Environments = map[string]account.Environment{"planted": {Level: 1}} }, slices.Concat(thePage, theEnv, theText)},
		"another":     {func(p *account.Policy) { p.Environments = map[string]account.Environment{"test": {Level: 1}} }, nil},
	},
	"CollectURL": {
		"off, path on":  {func(p *account.Policy) { p.CollectURL = false }, theURL},
		"off, path off": {func(p *account.Policy) { p.CollectURL, p.CollectPath = false, false }, slices.Concat(theURL, thePath)},
	},
	"CollectPath":  {"off, URL on": {func(p *account.Policy) { p.CollectPath = false }, nil}},
	"CollectTitle": {"off": {func(p *account.Policy) { p.CollectTitle = false }, fields("PageTitle")}},
	"Hide": func() map[string]setting {
		out := map[string]setting{}
		for property, empty := range map[account.Property]string{
			account.Browser: "Browser BrowserVersion BotName", account.BrowserVersion: "BrowserVersion", account.OS: "Os OsVersion", account.OSVersion: "OsVersion",
			account.Device: "DeviceType DeviceBrand DeviceModel", account.Screen: "ScreenWidth ScreenHeight", account.Language: "Language", account.Timezone: "Timezone",
			account.Path: "Url UrlPath", account.Referrer: "Referrer ReferrerHost TrafficSource", account.Company: "CompanyId", account.Session: "SessionId",
			account.Campaign: "TrafficSource UtmSource UtmMedium UtmCampaign UtmTerm UtmContent",
		} {
			out[string(property)] = setting{func(p *account.Policy) { p.Hide = []account.Property{property} }, fields(empty)}
		}
		return out
	}(),
	"Geo": {
		"none":     {func(p *account.Policy) { p.Geo = account.GeoNone }, theGeo},
		"left out": {func(p *account.Policy) { p.Geo = "" }, theGeo},
		"country":  {func(p *account.Policy) { p.Geo = account.GeoCountry }, theCity},
		"galaxy":   {func(p *account.Policy) { p.Geo = "galaxy" }, theGeo},
	},
	"IP": {
		"drop":     {func(p *account.Policy) { p.IP = account.DropIP }, slices.Concat(theGeo, fields("IpMasked"))},
		"left out": {func(p *account.Policy) { p.IP = "" }, slices.Concat(theGeo, fields("IpMasked"))},
	},
	"IPAt": { // what reaches Kafka: TestAddresses
		"edge":     {func(p *account.Policy) { p.IPAt = account.AtEdge }, nil},
		"enricher": {func(p *account.Policy) { p.IPAt = account.AtEnricher }, nil},
	},
	"Consent": { // whole events: TestRefuses
		"required": {func(p *account.Policy) { p.Consent = account.Consent{Required: true} }, nil},
	},
	"Scrubbing": { // of what is planted nothing is a person's: TestScrub
		"on": {func(p *account.Policy) { p.Scrubbing = account.Scrubbing{} }, nil},
	},
	"RetentionDays": {
		"a year": {func(p *account.Policy) { p.RetentionDays = "" }, nil},
	},
	"all": {
		"the zero policy": {func(p *account.Policy) { *p = account.Policy{} }, strictly},
	},
}

// always are the fields that no policy empties, and why they may stay: what happened to which item, when, and which record it was.
var always = fields(`EventId AccountId Region Event ItemType ItemId ItemName InteractionId StepId StepIndex StepName StepCount Iteration Trigger DismissReason FailureReason
	ItemLanguage Preview Environment Time ClientTime ReceivedAt EnrichedAt TimeFlag VisitorId SessionId IsBot Detail Library LibraryVersion Flags
	RawTopicId RawPartition RawLeaderEpoch RawOffset Epoch`)

func TestTheMatrixHasEveryMember(t *testing.T) {
	for i := range reflect.TypeFor[account.Policy]().NumField() {
		if name := reflect.TypeFor[account.Policy]().Field(i).Name; matrix[name] == nil {
			t.Errorf("nothing says what %s does to an event", name)
		}
	}
	if hidden := matrix["Hide"]; len(hidden) != len(account.Properties) {
		t.Errorf("%d of %d properties are hidden in turn", len(hidden), len(account.Properties))
	}
	// Every field of an event is emptied by something, or is there always. Details have a test of their own.
	for _, name := range enrichedFields() {
		if name != "Expires" && slices.Contains(always, name) == slices.Contains(strictly, name) {
			t.Errorf("%s: want it in always, or in what the strictest policy empties, and not in both", name)
		}
	}
}

func enrichedFields() (out []string) {
	for f := range reflect.TypeFor[event.Enriched]().Fields() {
		if f.IsExported() {
			out = append(out, f.Name)
		}
	}
	return out
}

// planted has a value of its own in every field.
func planted(t *testing.T) *event.Enriched {
	t.Helper()
	e := new(event.Enriched)
	v := reflect.ValueOf(e).Elem()
	for i, name := range enrichedFields() {
		switch f := v.FieldByName(name); f.Kind() {
		case reflect.String:
			f.SetString("planted-" + name)
		case reflect.Int32, reflect.Int64:
			f.SetInt(int64(i + 1))
		case reflect.Uint32:
			f.SetUint(uint64(i + 1))
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Slice:
			if f.Type().Elem().Kind() == reflect.Uint8 {
				f.SetBytes([]byte(`{"planted":"` + name + `"}`))
			} else {
				f.Set(reflect.ValueOf([]string{"clamped:time"}))
			}
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
			f.Elem().SetFloat(float64(i + 1))
		default:
			t.Fatalf("%s: what is planted in a %s?", name, f.Kind())
		}
	}
	e.Environment = "Planted"
	e.Url, e.Referrer = "https://planted-host/planted-Url", "https://planted-host/planted-Referrer"
	return e
}

// Every field of an event, under every value of every member of a policy.
func TestWhatThePolicyForbidsIsTakenOutAndNothingElse(t *testing.T) {
	for member, settings := range matrix {
		for value, s := range settings {
			t.Run(member+" "+value, func(t *testing.T) {
				policy := open()
				s.change(&policy)
				got, sent := planted(t), planted(t)
				Apply(&policy, got)
				was, is := reflect.ValueOf(sent).Elem(), reflect.ValueOf(got).Elem()
				for _, name := range enrichedFields() {
					switch forbidden, now := slices.Contains(s.empty, name), is.FieldByName(name); {
					case name == "Expires":
						if (now.Int() == 0) != (policy.RetentionDays == account.Forever) {
							t.Errorf("it expires at %d", now.Int())
						}
					case member == "Hide" && value == "path" && name == "Url":
						if now.String() != "https://planted-host" {
							t.Errorf("Url is %q", now.String())
						}
					case forbidden && !now.IsZero():
						t.Errorf("%s is %v", name, now)
					case !forbidden && !reflect.DeepEqual(now.Interface(), was.FieldByName(name).Interface()):
						t.Errorf("%s is %v, was %v", name, now, was.FieldByName(name))
					}
				}
			})
		}
	}
}

// The flags of what is taken out go with it: what was wrong with a text tells that there was one.
func TestFlagsGoWithWhatTheyAreOf(t *testing.T) {
	members := fields(`page.url page.title page.referrer user.id env.browser env.browser.name env.os.version env.screen.width env.language env.timezone company company.id
		session props data.answers data.query data.error data.event data.pInit`)
	var e event.Enriched
	for _, member := range members {
		e.Flags = append(e.Flags, "cut:"+member)
	}
	kept := append(slices.Clone(e.Flags), "clamped:time", "cut:data.oName", "cut:page.urlx", "no_id:user.guid", "dropped:env")
	e.Flags = slices.Clone(kept)
	policy := open()
	Apply(&policy, &e)
	if !slices.Equal(e.Flags, kept) {
		t.Errorf("under the open policy: %v", e.Flags)
	}
	Apply(&account.Policy{Hide: []account.Property{account.Session}}, &e)
	if want := kept[len(members):]; !slices.Equal(e.Flags, want) {
		t.Errorf("under the strictest: %v, want %v", e.Flags, want)
	}
}

func TestDetailsByLevel(t *testing.T) {
	all := []string{"init", "error", "goal", "lesson", "quiz", "answers", "query", "result", "action", "rule", "name", "of a later version"}
	for level, want := range map[account.Level][]string{
		account.ItemEvents: {"goal", "lesson", "quiz", "result", "action", "rule"},
		account.Page:       {"init", "goal", "lesson", "quiz", "result", "action", "rule"},
		account.Everything: all,
	} {
		var list []event.Detail
		for _, name := range all {
			list = append(list, event.Detail{Name: name})
		}
		var got []string
		for _, d := range Details(&account.Policy{Level: level}, "", list) {
			got = append(got, d.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("level %d: %v, want %v", level, got, want)
		}
	}
}

// What is scrubbed: every text that people write, each with its flag. Ids are not.
func TestScrubbingReachesEveryText(t *testing.T) {
	const mail = "jane.doe@planted.example"
	scrubbedMembers := map[string]string{
		"ItemName": "data.oName", "StepName": "data.step.name", "Trigger": "data.pInit", "DismissReason": "data.dismissReason", "FailureReason": "data.error", "PageTitle": "page.title",
		"Url": "page.url", "UrlPath": "page.url", "UtmSource": "page.url", "UtmMedium": "page.url", "UtmCampaign": "page.url", "UtmTerm": "page.url", "UtmContent": "page.url",
		"Referrer": "page.referrer", "Props": "props", "Detail": "data",
	}
	policy := open()
	policy.Scrubbing = account.Scrubbing{}
	for _, name := range enrichedFields() {
		var e event.Enriched
		f := reflect.ValueOf(&e).Elem().FieldByName(name)
		switch {
		case f.Kind() == reflect.String:
			f.SetString("for " + mail)
		case name == "Props" || name == "Detail":
			f.SetBytes([]byte(`{"to":["for ` + mail + `"]}`))
		default:
			continue
		}
		Apply(&policy, &e)
		stays := strings.Contains(fmt.Sprint(f.Interface()), mail) || f.Kind() == reflect.Slice && strings.Contains(string(f.Bytes()), mail)
		member, scrubbed := scrubbedMembers[name]
		if stays == scrubbed {
			t.Errorf("%s: scrubbed is %v", name, !stays)
		}
		if flags := e.Flags; scrubbed && !slices.Equal(flags, []string{"scrubbed:" + member}) {
			t.Errorf("%s: flags %v", name, flags)
		}
	}
	if missing := slices.DeleteFunc(slices.Collect(maps.Keys(scrubbedMembers)), func(name string) bool { return slices.Contains(enrichedFields(), name) }); len(missing) > 0 {
		t.Errorf("there are no %v", missing)
	}
}

// The happy path, on every event, allocates nothing.
func BenchmarkApply(b *testing.B) {
	policy := open()
	policy.Scrubbing, policy.RetentionDays = account.Scrubbing{KeepQuery: []string{"tab"}}, ""
	e := event.Enriched{
		ItemName: "Log in with your company's account", StepName: "Enter the code that we sent you", PageTitle: "Pink Alligator - ShopMe", Url: "https://shop.example/account/12345/login?tab=2",
		UrlPath: "/account/12345/login", Referrer: "https://www.shop.example/", Trigger: "launcher", UtmSource: "newsletter",
		Props: []byte(`{"plan":"pro","seats":25,"trial":false,"id":"27b94442-e2a2-40dd-ab55-4384702273e4"}`), Detail: []byte(`{"init":{"type":"launcher"}}`),
	}
	b.ReportAllocs()
	for b.Loop() {
		Apply(&policy, &e)
	}
	if allocs := testing.AllocsPerRun(100, func() { Apply(&policy, &e) }); allocs != 0 || len(e.Flags) > 0 {
		b.Fatalf("%v allocations, flags %v", allocs, e.Flags)
	}
}
