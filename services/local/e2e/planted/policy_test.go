package planted

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/pseudonym"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// One account for each of the main policies.
const policies = `accounts:
- {id: strictest, region: us, write_keys: [wk_strictest], policy: {level: 1, ip: drop}}
- {id: items, region: us, write_keys: [wk_items_only], policy: {level: 1, geo: country, ip: mask, consent: {required: true}}}
- {id: hashing, region: us, write_keys: [wk_hashing_], policy: {level: 2, identification: hashed, collect_path: true, ip: mask, geo: none, ip_at: enricher, hide: [browser, session, company]}}
- {id: usual, region: us, write_keys: [wk_the_usual], policy: {level: 3, identification: pseudonymised, collect_url: true, collect_title: true, geo: city, ip: mask, environments: {test: {level: 1}}}}
- {id: everything, region: us, write_keys: [wk_all_there_is], policy: {level: 3, identification: crm, collect_url: true, collect_title: true, geo: city, ip: mask, ip_at: enricher,
   consent: {ignore_gpc: true}, scrubbing: {off: true, keep_query: ['*']}, retention_days: forever}}
`

const (
	wholeAddress = "128.112.20.77" // Princeton, by the small database
	hashOfJane   = "zqxjane-id@doe.example"
)

// everywhere is an event with a word of its own in every member a client can send: zqx, and where it stands.
func everywhere(id string) string {
	return `{"id":"` + id + `","time":` + fmt.Sprint(time.Now().UnixMilli()) + `,"type":"step","session":"zqxsession","consent":"granted","company":{"id":"zqxcompany"},
	"data":{"type":"wt","oId":"zqxitem","oName":"zqxname zqxmailed@doe.example","pId":"zqxplay","language":"zqxlang","dismissReason":"zqxdismiss",
		"step":{"id":"zqxstep","index":1,"count":2,"name":"zqxstepname +4915112345678"},"pInit":{"type":"zqxinit"},"error":{"code":"zqxerror"},"goal":{"id":"zqxgoal"},"lesson":{"id":"zqxlesson"},
		"quiz":{"id":"zqxquiz"},"answers":[{"question":"q","answer":"zqxanswer"}],"query":"zqxquery","result":{"id":"zqxresult"},"action":{"id":"zqxaction"},"rule":{"id":"zqxrule"},"event":"zqxcustom"},
	"env":{"browser":{"name":"zqxbrowser","version":"zqxversion"},"os":{"name":"zqxos","version":"zqxosversion"},"language":"zqxtongue","timezone":"zqxzone"},
	"page":{"url":"https://zqxhost.example/zqxpath?token=zqxtoken&utm_source=zqxcampaign#access_token=zqxfragment","title":"zqxtitle","referrer":"https://zqxreferrer.example/?q=zqxsought"},
	"user":{"guid":"zqxguid","id":"` + hashOfJane + `","provider":"crm","traits":{"mail":"zqxtraits"}},
	"props":{"a":["zqxprops",{"mail":"zqxproply@doe.example"}],"card":4111111111111111,"link":"https://a.example/?k=zqxlinked"},
	"library":{"name":"zqxlibrary","version":"1"}}`
}

// words are the planted ones in a text, without their zqx.
func words(text string) []string {
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(`zqx([a-z]+)`).FindAllStringSubmatch(text, -1) {
		found[m[1]] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// What is stored of such an event whatever the policy, and what each adds.
const (
	atLevel1 = "item name play lang dismiss step stepname init error goal lesson quiz result action rule session guid library"
	atLevel2 = " os osversion tongue zone"
)

// An event with something planted in every member, under each of the main policies: what raw, enriched and dead topics and the tables have of it, and that
// logs and metrics have nothing.
func TestWhatReachesWhatUnderEachPolicy(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "policies.yaml")
	if err := os.WriteFile(file, []byte(policies), 0o600); err != nil {
		t.Fatal(err)
	}
	ring := filepath.Join(dir, "keys")
	if _, err := pseudonym.New(ring, "usual"); err != nil {
		t.Fatal(err)
	}
	keys, err := pseudonym.Read(ring)
	if err != nil {
		t.Fatal(err)
	}
	pseudonym, _ := keys.Of("usual", hashOfJane)
	p := startWith(t, dir, file)

	send := func(key, body string, more ...string) {
		headers := map[string]string{"X-Write-Key": key, "X-Forwarded-For": wholeAddress, "User-Agent": "zqxagent/1.0"}
		for i := 0; i < len(more); i += 2 {
			headers[more[i]] = more[i+1]
		}
		p.post(body, headers)
	}
	sum := sha256.Sum256([]byte("jane"))
	cases := []struct {
		account, key, body, table, user string
		address                         bool // whether the raw record has the whole one
	}{
		{"strictest", "wk_strictest", everywhere(uuid.NewString()), atLevel1, "", false},
		{"items", "wk_items_only", everywhere(uuid.NewString()), atLevel1, "", false},
		{"hashing", "wk_hashing_", strings.Replace(everywhere(uuid.NewString()), hashOfJane, base64.StdEncoding.EncodeToString(sum[:]), 1), strings.Replace(atLevel1, " session", "", 1) + atLevel2 + " host path", hex.EncodeToString(sum[:]), true},
		{"usual", "wk_the_usual", everywhere(uuid.NewString()), atLevel1 + atLevel2 + " agent company host path campaign title referrer props answer query custom", pseudonym, false},
		{"everything", "wk_all_there_is", everywhere(uuid.NewString()), atLevel1 + atLevel2 + " agent company host path campaign title referrer props answer query custom" +
			" token fragment sought mailed proply linked jane", hashOfJane, true},
	}
	for _, c := range cases {
		send(c.key, c.body)
	}
	// What is not collected: by consent, by a signal, by the level, by the level of its environment.
	refused := 0
	for _, r := range []struct{ key, body, gpc string }{
		{"wk_items_only", strings.Replace(everywhere(uuid.NewString()), `"consent":"granted",`, "", 1), ""},
		{"wk_all_there_is", strings.Replace(everywhere(uuid.NewString()), `"granted"`, `"denied"`, 1), ""},
		{"wk_the_usual", everywhere(uuid.NewString()), "1"},
		{"wk_hashing_", strings.NewReplacer(`"step"`, `"track"`, `"wt"`, `"custom"`).Replace(strings.Replace(everywhere(uuid.NewString()), `"step":{`, `"none":{`, 1)), ""},
		{"wk_the_usual", strings.Replace(strings.NewReplacer(`"type":"step"`, `"type":"view"`, `"wt"`, `"page"`).Replace(everywhere(uuid.NewString())), `"session"`, `"environment":"TEST","session"`, 1), ""},
	} {
		send(r.key, r.body, "Sec-GPC", r.gpc)
		refused++
	}
	p.wait("the rows", fmt.Sprintf("SELECT count() = %d FROM events", len(cases)))

	// What an edge took before the policy said so: the enricher leaves it out.
	raw := event.Raw{Format: event.FormatRecorder, AccountID: "items", EventID: uuid.New(), ReceivedAt: time.Now().UnixMilli(), UserAgent: "zqxagent", Value: []byte(strings.Replace(everywhere("x"), `"granted"`, `"denied"`, 1))}
	client := kafkatest.Client(t, p.Addresses.Kafka)
	late := raw.Record([]byte("items|zqxlate"))
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	p.produce(producer, schemas.RawTopic("us"), late)
	p.wait("its letter", "SELECT count() = 1 FROM dead_events WHERE reason = 'not_collected' AND account_id = 'items' AND value_bytes = 0")

	onRaw, onEnriched, onDead := byAccount(t, client, schemas.RawTopic("us")), byAccount(t, client, schemas.EnrichedTopic("us")), byAccount(t, client, schemas.DeadTopic("us"))
	for _, c := range cases {
		row := p.query("SELECT * FROM events WHERE account_id = '" + c.account + "' FORMAT JSONEachRow")
		if got, want := words(row), sorted(c.table); !slices.Equal(got, want) {
			t.Errorf("%s: the row has %v\nwant %v\n%s", c.account, got, want, row)
		}
		enriched := onEnriched[c.account]
		if got, want := words(strings.Join(enriched, "\n")), sorted(c.table); len(enriched) != 1 || !slices.Equal(got, want) {
			t.Errorf("%s: %d enriched, which have %v\nwant %v", c.account, len(enriched), got, want)
		}
		want := len(words(c.body)) + 1 // and the user agent
		if records := onRaw[c.account]; c.account != "items" && (len(records) != 1 || len(words(records[0])) != want || strings.Contains(records[0], wholeAddress) != c.address) {
			t.Errorf("%s: %d raw records, with %d of %d words: %q", c.account, len(records), len(words(strings.Join(records, ""))), want, records)
		}
		if user := p.query("SELECT user_id FROM events WHERE account_id = '" + c.account + "'"); user != c.user && (c.user != "" || user != "") {
			t.Errorf("%s: user_id %q, want %q", c.account, user, c.user)
		}
		if strings.Contains(row, wholeAddress) || strings.Contains(strings.Join(enriched, ""), wholeAddress) {
			t.Errorf("%s: the whole address is stored: %s", c.account, row)
		}
		if letters := onDead[c.account]; c.account != "items" && len(letters) > 0 {
			t.Errorf("%s: %d dead letters", c.account, len(letters))
		}
	}
	if letters := onDead["items"]; len(letters) != 1 || len(words(letters[0])) > 0 {
		t.Errorf("the letters of what is not collected: %q", letters)
	}
	if n := len(slices.Concat(slices.Collect(maps.Values(onRaw))...)); n != len(cases)+1 {
		t.Errorf("%d raw records, want %d: what is not collected reached Kafka", n, len(cases)+1)
	}
	for account, want := range map[string]string{"strictest": ",", "items": "128.112.20.0,", "hashing": "128.112.20.0,", "usual": "128.112.20.0,Princeton", "everything": "128.112.20.0,Princeton"} {
		if got := p.query("SELECT concat(ip_masked, ',', city) FROM events WHERE account_id = '" + account + "'"); got != want {
			t.Errorf("%s: address and city are %s, want %s", account, got, want)
		}
	}
	if got := p.query("SELECT arraySort(flags) FROM events WHERE account_id = 'usual'"); !strings.Contains(got, "'scrubbed:page.url'") || !strings.Contains(got, "'scrubbed:props'") {
		t.Errorf("flags %s", got)
	}
	if got := p.query("SELECT toUnixTimestamp(expires) FROM events WHERE account_id = 'everything'"); got != "4294967295" {
		t.Errorf("what is kept for ever expires at %s", got)
	}

	_, metrics := p.admin("/metrics")
	for _, line := range append(strings.Split(p.logs(), "\n"), strings.Split(metrics, "\n")...) {
		if strings.Contains(strings.ToLower(line), "zqx") || strings.Contains(line, wholeAddress) {
			t.Errorf("%.400s", line)
		}
	}
	if !strings.Contains(metrics, `waymark_edge_not_collected_total{reason="gpc"`) || !strings.Contains(metrics, `result="not_collected"`) {
		t.Error("what is not collected is not counted")
	}
}

func sorted(text string) []string {
	return slices.Sorted(slices.Values(strings.Fields(text)))
}

// byAccount are the records of a topic, key, headers and value, by the account that they name.
func byAccount(t *testing.T, client *kafka.Client, topic string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	partitions, err := client.Offsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, partition := range partitions {
		for next := partition.Start; next < partition.End; {
			batch, err := kafkatest.Fetch(t.Context(), client, topic, partition.Partition, next, kafka.FetchOptions{MinBytes: 1, MaxBytes: 1 << 20, MaxWait: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			for i := range batch.Records {
				rec := &batch.Records[i]
				account, _, _ := bytes.Cut(rec.Key, []byte("|"))
				text := string(rec.Key)
				for _, h := range rec.Headers {
					text += "\n" + h.Key + ": " + string(h.Value)
				}
				out[string(account)] = append(out[string(account)], text+"\n"+string(rec.Value))
			}
			next = batch.Next
			batch.Release()
		}
	}
	return out
}
