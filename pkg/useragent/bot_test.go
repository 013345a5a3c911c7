package useragent

import (
	"strings"
	"testing"
)

const gecko = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko"

func TestAssistantsAreBotsByName(t *testing.T) {
	p := newParser(t)
	for ua, want := range map[string]string{
		gecko + "; compatible; Claude-Web/1.0)": "Claude-Web",
		"claude-web":                            "claude-web",
		gecko + "; compatible; Claude-User/1.0; +Claude-User@anthropic.com)": "Claude-User",
		gecko + "; compatible; ChatGPT-User/1.0; +https://openai.com/bot)":   "ChatGPT-User",
		gecko + "); compatible; ChatGPT-User/1.0":                            "ChatGPT-User",
		"ChatGPT-User": "ChatGPT-User",
		mac + chrome141 + "; compatible; OAI-SearchBot/1.3":                                           "OAI-SearchBot",
		gecko + "; compatible; Perplexity-User/1.0)":                                                  "Perplexity-User",
		gecko + "; compatible; Perplexity-User/1.0; +https://perplexity.ai/perplexity-user)":          "Perplexity-User",
		gecko + "; compatible; Amzn-User/0.1) Chrome/119.0.6045.214 Safari/537.36":                    "Amzn-User",
		gecko + "; compatible; Amzn-SearchBot/0.1) Chrome/119.0.6045.214 Safari/537.36":               "Amzn-SearchBot",
		gecko + "; compatible; MistralAI-User/1.0)":                                                   "MistralAI-User",
		gecko + "; compatible; NovaAct/1.0) Chrome/130.0.0.0 Safari/537.36":                           "NovaAct",
		gecko + "; compatible; Gemini-Deep-Research) Chrome/135.0.0.0 Safari/537.36":                  "Gemini-Deep-Research",
		"meta-externalfetcher/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)": "meta-externalfetcher",
		"Mozilla/5.0 (compatible; anthropic-ai/1.0; +http://www.anthropic.com/bot.html)":              "anthropic-ai",
		"DuckAssistBot/1.2; (+http://duckduckgo.com/duckassistbot.html)":                              "DuckAssistBot",
		"Devin/1.0 (+devin.ai)": "Devin",
	} {
		if e := p.ParseUncached(ua, Hints{}); !e.IsBot || e.DeviceType != Bot || e.BotName != want {
			t.Errorf("%q (bot: %t), want %q: %s", e.BotName, e.IsBot, want, ua)
		}
	}
}

func TestBotsBrowserIsNotReadOutOfAnAddress(t *testing.T) {
	p := newParser(t)
	for ua, want := range map[string]string{
		gecko + "; compatible; ChatGPT-User/1.0; +https://openai.com/bot)":                          "ChatGPT-User 1.0",
		"meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)": "meta-externalagent 1.1",
		"Arquivo-web-crawler (compatible; +https://arquivo.pt/robot)":                               "Arquivo-web-crawler ",
		"BarkRowler/0.7 (+http://www.exensa.com/crawling)":                                          "BarkRowler 0.7",
		windows + chrome141 + " (compatible; Somebody/2.0; +https://www.example.test/bot)":          "Chrome 141.0.0.0",
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)":                  "Googlebot 2.1",
		"Mozilla/5.0 (compatible; Bytespider; spider-feedback@bytedance.com)":                       "Bytespider ",
		gecko + "; compatible; ChatGPT-User/1.0; +openai.com/bot)":                                  "ChatGPT-User 1.0",
	} {
		if e := p.ParseUncached(ua, Hints{}); !e.IsBot || e.Browser+" "+e.BrowserVersion != want {
			t.Errorf("%q %q (bot: %t), want %q: %s", e.Browser, e.BrowserVersion, e.IsBot, want, ua)
		}
	}
}

func TestBotsThatNoListNamesAreCalledByTheirFirstProduct(t *testing.T) {
	p := newParser(t)
	for ua, want := range map[string]string{
		"PriceFetch/3.1 (https://prices.example.test)":                             "PriceFetch",
		"Mozilla/5.0 (compatible; PriceFetch/3.1; +https://prices.example.test)":   "PriceFetch",
		windows + chrome141 + " PriceFetch/3.1 (+https://prices.example.test/bot)": "PriceFetch",
		"node":                     "node",
		"somebody@example.test":    "unnamed", // a person's, for all we know
		"https://example.test/bot": "unnamed",
		"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0": "unnamed", // a key
		windows + chrome141 + " |": "Chrome",
	} {
		if e := p.ParseUncached(ua, Hints{}); !e.IsBot || e.BotName != want {
			t.Errorf("%q (bot: %t), want %q: %s", e.BotName, e.IsBot, want, ua)
		}
	}
}

func TestBotsAreNotCalledByTheAddressTheyGiveNorByHalfAWord(t *testing.T) {
	p := newParser(t)
	for ua, want := range map[string]string{
		"Mozilla/5.0 (compatible; YaDirectFetcher/1.0; Dyatel; +http://yandex.com/bots)":                            "YaDirectFetcher",
		"Mozilla/5.0 (compatible; Exabot/3.0; +http://www.exabot.com/go/robot)":                                     "Exabot",
		"SentryUptimeBot/1.0 (+http://docs.sentry.io/product/alerts/uptime-monitoring/)":                            "SentryUptimeBot",
		"Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1;  http://www.changedetection.com/bot.html )":        "changedetection", // it says no more
		"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P)" + webkit + mobile141 + " +https://sitebulb.com": "sitebulb",
	} {
		if e := p.ParseUncached(ua, Hints{}); !e.IsBot || e.BotName != want {
			t.Errorf("%q (bot: %t), want %q: %s", e.BotName, e.IsBot, want, ua)
		}
	}
}

func TestBrandHintsThatNoPersonBrowsesWithAreBots(t *testing.T) {
	p := newParser(t)
	for name, c := range map[string]struct {
		hints Hints
		want  string
	}{
		"headless":                    {Hints{UA: `"HeadlessChrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"`}, "HeadlessChrome"},
		"headless, last in the list":  {Hints{UA: `"Not_A Brand";v="24", "Chromium";v="131", "HeadlessChrome";v="131"`}, "HeadlessChrome"},
		"headless, in the other list": {Hints{FullVersionList: `"HeadlessChrome";v="131.0.6778.33", "Chromium";v="131.0.6778.33"`}, "HeadlessChrome"},
		"headless Edge":               {Hints{UA: `"HeadlessEdg";v="131", "Chromium";v="131"`}, "HeadlessEdg"},
		"Lighthouse":                  {Hints{UA: `"Chromium";v="131", "Google Chrome";v="131", "Lighthouse";v="12.2.1"`}, "Lighthouse"},
		"Chrome":                      {Hints{UA: `"Google Chrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"`}, ""},
		"Brave":                       {Hints{UA: `"Brave";v="131", "Chromium";v="131", "Not_A Brand";v="24"`}, ""},
	} {
		e := p.ParseUncached(windows+"Chrome/131.0.0.0 Safari/537.36", c.hints)
		if e.IsBot != (c.want != "") || e.BotName != c.want || e.IsBot != (e.DeviceType == Bot) {
			t.Errorf("%s: %q (bot: %t, %s), want %q", name, e.BotName, e.IsBot, e.DeviceType, c.want)
		}
	}
}

func TestBotWordsInNamesOfDevicesAndBrowsersMakeNoBot(t *testing.T) {
	const view = "; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/67.0.3396.87 Mobile Safari/537.36"
	p := newParser(t)
	for ua, want := range map[string]string{
		"Mozilla/5.0 (Linux; Android 7.0; M bot 60 Build/NRD90M" + view:                                                                                                               "mobile Logicom M bot 60",
		"Mozilla/5.0 (Linux; Android 6.0; B BOT 550 Build/MRA58K" + view:                                                                                                              "mobile Logicom B BOT 550",
		"Mozilla/5.0 (Linux; Android 6.0; IDbot553 Build/MRA58K)" + webkit + mobile141:                                                                                                "mobile Logicom IDbot553",
		"Mozilla/5.0 (Linux; Android 7.1.1; M_bot_tab_1150 Build/N9F27F)" + webkit + chrome141:                                                                                        "tablet Logicom M_bot_tab_1150",
		"Mozilla/5.0 (Linux; U; Android 4.4.2; de-de; B BOT 50 Build/KOT49H) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30":                                 "mobile Logicom B BOT 50",
		"Mozilla/5.0 (Linux; Android 7.0; M bot 60 Build/NRD90M" + view + " Instagram 61.0.0.19.86 Android (24/7.0; 320dpi; 720x1184; LOGICOM; M bot 60; M_bot_60; mt6580; fr_FR)":    "mobile Logicom M bot 60",
		"Mozilla/5.0 (Linux; Android 8.0.0; CUBOT_P20)" + webkit + mobile141:                                                                                                          "mobile Cubot CUBOT_P20",
		"Mozilla/5.0 (Linux; Android 9; CUBOT X18 Plus Build/PPR1" + view:                                                                                                             "mobile Cubot X18 Plus",
		"Mozilla/5.0 (Linux; Android 10; Spider_A10)" + webkit + mobile141:                                                                                                            "mobile  Spider_A10",
		"Mozilla/5.0 (Linux; Android 9; Radar Deluxe 2)" + webkit + mobile141:                                                                                                         "mobile  Radar Deluxe 2",
		"Mozilla/5.0 (Linux; Android 11; Smart Monitor 17)" + webkit + chrome141:                                                                                                      "tablet  Smart Monitor 17",
		"Mozilla/5.0 (Linux; Android 11; 4K Google TV Stick)" + webkit + chrome141:                                                                                                    "tv  4K Google TV Stick",
		"Mozilla/5.0 (Linux; U; Android 5.1; zh-cn; Redmi 4X Build/LMY47D) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30 SogouMSE,SogouMobileBrowser/4.1.0": "mobile XiaoMi Redmi 4X",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 13_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 SogouMobileBrowser/5.19.3":                                   "mobile Apple iPhone",
		"Mozilla/5.0 (Windows NT 10.0; WOW64)" + webkit + "Chrome/72.0.3626.81 Safari/537.36 SE 2.X MetaSr 1.0":                                                                       "desktop  ",
		"Safari/600.2.5 MobileRicardo (Google Pixel 6; android 13) ricardo.ch/8.28.2-82802 (debug) deviceId/x":                                                                        "mobile  ",
		"Mozilla/5.0 (Linux; Android 13; 23028RN4DI Build/TP1A.220624.014; wv)" + webkit + "Version/4.0 Chrome/119.0.6045.66 Mobile Safari/537.36 Instagram 308.0.0.36.109 Android (33/13; 320dpi; 720x1460; Xiaomi/Redmi; 23028RN4DI; cloud; mt6765; en_IN; 534961943)": "mobile XiaoMi 23028RN4DI",
	} {
		if e := p.ParseUncached(ua, Hints{}); e.IsBot || e.DeviceType+" "+e.DeviceBrand+" "+e.DeviceModel != want {
			t.Errorf("%s %q %q (bot: %q), want %q: %s", e.DeviceType, e.DeviceBrand, e.DeviceModel, e.BotName, want, ua)
		}
	}
}

func TestBotsThatClaimAPhoneAreBots(t *testing.T) {
	p := newParser(t)
	for ua, want := range map[string]string{
		"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P)" + webkit + mobile141 + " (compatible; Googlebot/2.1; +http://www.google.com/bot.html)":                           "Googlebot",
		"Mozilla/5.0 (Linux; Android 7.0; M bot 60 Build/NRD90M)" + webkit + mobile141 + " (compatible; bingbot/2.0)":                                                                "bingbot",
		"Mozilla/5.0 (Linux; Android 11; moto g power (2022))" + webkit + mobile141 + " Chrome-Lighthouse":                                                                           "Chrome-Lighthouse",
		"Mozilla/5.0 (Linux; Android 12; Go)" + webkit + mobile141 + " Googlebot/2.1":                                                                                                "Googlebot",
		"Mozilla/5.0 (Linux; Android 12; SM-G991B; compatible; SomeBot/1.0)" + webkit + mobile141:                                                                                    "SomeBot",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 6_0 like Mac OS X) AppleWebKit/536.26 (KHTML, like Gecko) Version/6.0 Mobile/10A5376e Safari/8536.25 (compatible; Sogou web spider/4.0)": "Sogou",
	} {
		if e := p.ParseUncached(ua, Hints{}); !e.IsBot || e.BotName != want {
			t.Errorf("%q (bot: %t), want %q: %s", e.BotName, e.IsBot, want, ua)
		}
	}
}

// Of uap-core's 16,000 phones and televisions those are left out that say themselves that they are none.
func TestUapCoresDevicesAreNoBots(t *testing.T) {
	machines := words{"gent", "AGENT", "Proxy", "pider", "http:", "Http:", "Postman"}
	p := newParser(t)
	for _, c := range uapCases(t, "test_device.yaml.gz") {
		if c.Brand == spider || c.Brand == "" || c.Brand == "Generic" || strings.HasPrefix(c.Brand, "Generic_Android") || machines.in(c.UA) {
			continue
		}
		if e := p.ParseUncached(c.UA, Hints{}); e.IsBot {
			t.Errorf("flagged as %q: %s", e.BotName, c.UA)
		}
	}
}
