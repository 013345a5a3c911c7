package useragent

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/ua-parser/uap-go/uaparser"
)

// spider is uap-core's brand of crawlers.
const spider = "Spider"

// nameDevice believes the model hint before the user agent, and asks uap-core's rules about it in the form they know.
func (p *Parser) nameDevice(found uaparser.Device, h hinted) (brandName, model string) {
	model = modelOnly(h.model)
	if model == "" {
		return presentable(found)
	}
	ua := "Mozilla/5.0 (Linux; Android 10; " + model + " Build/Q) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/110.0.0.0 Mobile Safari/537.36"
	hits := p.rules.filter.Scan(ua)
	defer hits.Release()
	brandName, _ = presentable(p.rules.device(ua, hits))
	if maker := brandOf(model, brandName); maker != "" {
		brandName = maker
	}
	return brandName, model
}

// presentable drops what only says that nothing is known. "K" is the model of every reduced user agent.
func presentable(d uaparser.Device) (brandName, model string) {
	brandName, model = d.Brand, modelOnly(d.Model)
	switch {
	case d.Family == other || model == "K" || brandName == spider:
		return "", ""
	case strings.HasPrefix(brandName, "Generic"):
		if model = generic(model); model == "" {
			return "", ""
		}
		brandName = ""
	case brandName == "Motorola":
		model = strings.TrimPrefix(model, "rola ") // uap-core cuts moto off motorola razr
	}
	return brandOf(model, brandName), model
}

func generic(model string) string {
	switch model {
	case "Smartphone", "Tablet", "Feature Phone", "Android", "Desktop":
		return ""
	}
	return model
}

// brandOf overrules uap-core where it says the mother company of a brand that stands on the phone, or another that once had
// such numbers, and fills in what it does not know. The names are uap-core's.
func brandOf(model, uapCore string) string {
	if brand := prefixed(ownBrands, model); brand != "" {
		return brand
	}
	switch uapCore {
	case "", "Alcatel", "ALCATEL", "TCL":
		if brand := tctBrand(model); brand != "" {
			return brand
		}
	}
	if uapCore != "" {
		return uapCore
	}
	if brand := prefixed(makers, model); brand != "" {
		return brand
	}
	if huawei.MatchString(model) {
		return "Huawei"
	}
	return ""
}

type maker struct{ prefix, brand string }

func prefixed(makers []maker, model string) string {
	for _, m := range makers {
		if strings.HasPrefix(model, m.prefix) {
			return m.brand
		}
	}
	return ""
}

// ownBrands have model codes of their own within those of a mother company: OnePlus and Realme in Oppo's, Honor in Huawei's.
var ownBrands = expand(map[string]string{
	"Realme": "RMX RMP realme Realme",
	"OnePlus": "ONEPLUS OnePlus AC20 BE20 BE28 DE21 DN21 EB21 GM19 GN22 HD19 IN20 IV22 KB20 LE21 MT21 NE22 OPD OPW " +
		"CPH2381 CPH2399 CPH2401 CPH2409 CPH2411 CPH2413 CPH2415 CPH2417 CPH2419 CPH2423 CPH2447 CPH2449 CPH2451 CPH2459 " +
		"CPH2465 CPH2467 CPH2469 CPH2487 CPH2491 CPH2493 CPH2513 CPH2515 CPH2551 CPH2569 CPH2573 CPH2581 CPH2583 CPH2585 " +
		"CPH2605 CPH2609 CPH2611 CPH2613 CPH2619 CPH2621 CPH2645 CPH2647 CPH2649 CPH2653 CPH2655 CPH2661 CPH2663 CPH2691 " +
		"CPH2707 CPH2709 CPH2717 CPH2719 CPH2723 CPH2745 CPH2747 CPH2749 PGKM10 PGP110 PGZ110 PHB110 PHK110 PHP110 PJA110 PJD110 PJE110 PJF110 PJX110 PJZ110 PKG110",
	"Honor": "HONOR Honor AGM- AGM3- AGR- ALI- ANY- BRP- BVL- CLK- CMA- CRT- DNY- ELI- ELP- FNE- HEY- JDY- KJR- LLY- MAA- NTH- NTN- " +
		"PGT- PTP- RBN- REA- REP- RKY- RMO- TFY- VNA- VNE- WDY-",
	"TCL":     "TCL",
	"Alcatel": "ALCATEL Alcatel",
	"Sony":    "SO-0 SO-4 SO-5 SOG SOV XQ-",
})

func expand(codes map[string]string) (out []maker) {
	for brand, prefixes := range codes {
		for prefix := range strings.FieldsSeq(prefixes) {
			out = append(out, maker{prefix, brand})
		}
	}
	return out
}

// tct finds TCT's numbers, 5033D and T671H, with a region: 6025D_EEA. TCT makes both TCL's phones and Alcatel's.
var tct = regexp.MustCompile(`^(?:([4-9]\d{3})[A-Z]{1,2}|T[4-8]\d\d[A-Z]\d?)(?:_[A-Z]+)?$`)

func tctBrand(model string) string {
	m := tct.FindStringSubmatch(model)
	if m == nil {
		return ""
	}
	if m[1] == "" {
		return "TCL"
	}
	switch n, _ := strconv.Atoi(m[1]); n {
	case 5560, 5860, 7260:
		return "" // Coolpad's
	case 4187, 4188, 5101, 5102, 5107, 5124, 5128, 5129, 5130, 5133, 5148, 5152, 5153, 5158, 5159, 5161, 5186, 5199, 6102, 6125, 6127, 6156, 6165, 8093, 8094, 8491,
		9048, 9049, 9050, 9060, 9080, 9081, 9132, 9137, 9183, 9295, 9296:
		return "TCL"
	}
	return "Alcatel"
}

// huawei is the form of its codes: three letters for the series, then network and region: ELE-L29, JAD-LX9, ANA-AN00.
var huawei = regexp.MustCompile(`^[A-Z]{3}\d?-(?:[A-Z]\d|[A-Z]{2})\d{1,2}[A-Z]?$`)

// makers are told by the start of their model codes, where uap-core's rules know none.
var makers = []maker{
	{"SM-", "Samsung"}, {"SC-", "Samsung"}, {"SCG", "Samsung"}, {"GT-", "Samsung"}, {"Pixel", "Google"}, {"Redmi", "XiaoMi"}, {"POCO", "XiaoMi"}, {"Mi ", "XiaoMi"}, {"MI ", "XiaoMi"},
	{"Xiaomi", "XiaoMi"}, {"M200", "XiaoMi"}, {"M201", "XiaoMi"}, {"M210", "XiaoMi"}, {"210", "XiaoMi"}, {"211", "XiaoMi"}, {"220", "XiaoMi"}, {"221", "XiaoMi"}, {"230", "XiaoMi"}, {"231", "XiaoMi"},
	{"240", "XiaoMi"}, {"241", "XiaoMi"}, {"250", "XiaoMi"}, {"251", "XiaoMi"}, {"260", "XiaoMi"}, {"CPH", "Oppo"}, {"OPPO", "Oppo"}, {"RMX", "Realme"}, {"realme", "Realme"}, {"vivo", "vivo"}, {"V18", "vivo"}, {"V19", "vivo"}, {"V20", "vivo"}, {"V21", "vivo"}, {"V22", "vivo"},
	{"V23", "vivo"}, {"V24", "vivo"}, {"V25", "vivo"}, {"moto", "Motorola"}, {"motorola", "Motorola"}, {"XT", "Motorola"}, {"ONEPLUS", "OnePlus"}, {"OnePlus", "OnePlus"}, {"LE2", "OnePlus"}, {"NE2", "OnePlus"}, {"KB2", "OnePlus"},
	{"LM-", "LG"}, {"LG-", "LG"}, {"Nokia", "Nokia"}, {"HUAWEI", "Huawei"}, {"ELE-", "Huawei"}, {"VOG-", "Huawei"}, {"CLT-", "Huawei"}, {"ANE-", "Huawei"}, {"LYA-", "Huawei"}, {"MAR-", "Huawei"},
	{"YAL-", "Huawei"}, {"JNY-", "Huawei"}, {"TECNO", "Tecno"}, {"Infinix", "Infinix"}, {"itel", "Itel"}, {"SO-", "Sony"}, {"XQ-", "Sony"}, {"SH-", "Sharp"}, {"FP4", "Fairphone"}, {"FP5", "Fairphone"},
	{"A063", "Nothing"}, {"A065", "Nothing"}, {"Lenovo", "Lenovo"}, {"TB-", "Lenovo"}, {"TB3", "Lenovo"}, {"ASUS", "Asus"}, {"KF", "Amazon"}, {"AFT", "Amazon"}, {"ZTE", "ZTE"},
	{"CUBOT", "Cubot"}, {"M bot", "Logicom"}, {"M BOT", "Logicom"}, {"M_bot", "Logicom"}, {"B BOT", "Logicom"}, {"C Bot", "Logicom"}, {"ID bot", "Logicom"}, {"IDbot", "Logicom"}, {"VR BOT", "Logicom"},
}
