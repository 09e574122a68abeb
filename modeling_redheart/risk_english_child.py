"""English phrases of children who are abused or in danger; see `risk_english`."""

from .risk_english_terms import TABLES
from .risk_rules import HALF, Rule, english_rules

_CHILD_ABUSE = r"""
i lost ~2 temper ~5 HURTS|HITS ~2 CHILD
CHILD ~7 belt|finger|bite|cigarette|slap marks|burns
h[eo]lds?|puts?|dunk\w* ~2 CHILD ~2 under|in|into ~2 cold|freezing|hot|boiling shower|bath|water // swim fever
i|ive|im|me|us|him|her ~4 made|makes|me ~1 sleep|stand|kneel|eat ~3 garage|shed|balcony|rice|floor|cold // camp
mess(?:aging|ages|aged)|text(?:s|ing|ed) ~2 CHILD ~6 photos|pictures|meet|secret // school_trip
ABUSER|BOSS|i|ive|im|parents|couple|we ~5 HITS ~3 CHILD // GAME drove car grape high adult head_on
  daughters?_(?:hit|beat|kicked|slapped|punched) sons?_(?:hit|beat|kicked|slapped|punched) \w+_by_(?:accident|mistake)
ABUSER|i|ive|im ~4 SHOVES|throws ~3 CHILD|ones ~3 AGAINST|by_their_ears // GAME
CHILD ~2 is|was|are|were|gets|got|being|been ~1 HITS ~4 by|at|with|for|when|every // GAME ball car bike wave bee
i|HE|PARTNER|KIN ~2 lost ~3 temper|it ~4 HITS ~2 CHILD // GAME
ma(?:de|kes?) ~1 me|him|her|them|my|CHILD ~3 sleep|sleeps|kneel|stand|stay ~4 garage|shed|rice|cold|outside|cellar|
  balcony|corner_for|rain|hours // camp
screaming|screams|shouting|thud|bang|slap ~12 CHILD ~4 quiet|silent|cries|crying|screams // game tv
uncle|stepdad|stepfather|grandad|coach|cousin|boyfriend ~5 c[ao]m(?:es?|ing)|walks|walking|climbs in|into ~6
  shower|bed|bedroom|bathroom|changing
step(?:dad|father|mum|mom|mother)|father|mother|dad|mum|mom|parents|uncle|aunt ~3 starv\w+|lock\w*|burn\w*|beat\w* ~2
  me|us // beaten
photos?|pictures|videos?|filmed|films|films|photographs? ~3 CHILD ~4 shower|showers|changing|undressing|naked|bath
child abuse // report article course
cigarette burns
ma(?:de|kes?|king) ~2 CHILD ~1 kneel|stand|sleep|eat ~4 rice|outside|hours|corner|night|floor|cold|sick|soap
CHILD ~2 flinch(?:es|ed)|cowers // dentist needle thunder ball
ABUSER|i ~4 HITS|SHOVES ~1 me ~9 AGED // GAME
i|ive|HE|PARTNER|KIN|CARER|STRANGER|woman|lady|couple ~4 HITS ~1 OWN|our ~2 CHILD // GAME drove car grape choking
  high adult h(?:is|er)_head home_run jackpot friend head_on
  daughters?_(?:hit|beat|kicked|slapped|punched) sons?_(?:hit|beat|kicked|slapped|punched)
i|HE|PARTNER|KIN|CARER ~3 SHOVES ~1 OWN ~2 CHILD ~1 AGAINST // GAME
shak(?:es?|ing|en)|shook ~1 OWN ~2 CHILD // hands? awake bottle
burn(?:s|ed|t|ing)|pinch(?:es|ed)|bites|starves|starved ~1 OWN ~2 CHILD // OOPS
tak(?:es?|ing)|took|us(?:es?|ed|ing) ~1 OWN ~1 STRAP ~1 to|on ~2 CHILD
HE|PARTNER|KIN|CARER|i ~3 SHUTS ~2 CHILD ~3 ROOM // MISTAKE car door
bruises?|burns|welts ~6 CHILD ~3 back|arms?|face|neck|legs?|body // OOPS tattoo sun
CHILD ~7 bruises?|welts|burns ~4 back|arms?|face|neck|legs?|body // OOPS tattoo sun
CHILD ~8 afraid|scared|terrified|beg(?:s|ged) ~2 to|not go home
molest(?:s|ed)|touch(?:es|ed|ing)|groom(?:ed|ing)|grop(?:es|ed) ~2 CHILD // dog hearts? lives goodbye
CHILD ~9 sen(?:t|ds?|ding)|ask(?:s|ed|ing)|ma(?:de|kes?)|wants ~5 NUDES // bath changing tattoo
sen(?:t|ds?|ding)|ask(?:s|ed|ing)|ma(?:de|kes?)|messag(?:es|ing|ed) ~6 CHILD|boys ~6 NUDES // bath tattoo
CARER|STRANGER|KIN ~5 CHILD ~9 NOT ~1 to ~1 tell // surprise birthday presents? answers?
step(?:dad|father|brother)|uncle|coach ~2 c[ao]mes?|g[eo]ts?|climbs ~3 my ~1 bed|bedroom
"""
_CHILD = r"""
mum|mom|dad|mother|father|parents|she|he|they ~2 hasnt|havent|didnt|doesnt|dont|not
  ~1 come|been|came|comes|back home|back
  ~1 for|since|in ~6 days|nights|weeks|week // call hospital
DRUNK ~14 CHILD ~5 bath|car|stove|pool|cot|crying|wheel // sober party wedding chair
LEAVES ~5 CHILD ~3 ALONE|home // FRIENDLY
CHILD ~4 MINDS|ride|drive|driving|car|pickup ~9 drunk|drinking|stoned|high // sober milk chair
CHILD ~6 roof|road|tracks|motorway|ledge|balcony ~12 no|nobody|noone|alone|watching // tv
CHILD ~9 same|dirty|filthy clothes ~9 every|days|week|hungry|smell\w* // muddy
found ~3 CHILD ~4 locked|alone|wandering|barefoot // game
go(?:es)?|went|going out ~5 look|care|mind|watch ~2 after|for|my|the ~3 brothers?|sisters?|baby|kids // babysit\w*
parents|mum|mom|dad|mother|father ~3 DRUNK ~9 CHILD|me|us|brother|sister ~5 alone|hungry|food|feed|dinner // chair
CHILD ~6 back|front of ~2 CAR ~9 forgot|HEAT
dad|mum|mom|father|mother|stepdad|uncle|parents|he|she ~3 DRUNK ~6 dr(?:ove|ives|iving)|drive us|me|them|him|her //
  sober
dr(?:ove|ives|iving|ive) us|me|them ~2 to|home ~2 DRUNK|drunk // sober
CHILD ~9 nothing ~1 to eat|drink // yet party
neglect(?:s|ed|ing)? ~2 CHILD
CHILD ~2 neglected
NOT ~1 feed|feeding|feeds ~2 CHILD // ducks treats dog
CHILD ~6 near|beside|into|in ~2 pool|pond|road|river|lake ~4 alone|himself|herself|unattended // learned swam swimming
social services|workers? ~9 CHILD // study degree
CHILD ~9 social|protective services
LEAVES ~2 CHILD ~9 weekend|festival|bar|pub|club|casino|party // FRIENDLY sister mother parents grandma mum
CHILD ~9 home|house|flat alone ~5 // FRIENDLY read slept
LEAVES ~2 CHILD ~1 in charge ~2 of // shop football
CHILD ~5 wander(?:ed|ing|s)?|walk(?:ed|ing|s)?|found ~4 barefoot|motorway|midnight|pyjamas|pajamas|streets // dog
  tour hik\w+
gives?|gave|giving|put|puts ~2 CHILD ~3 SEDATIVE // vet doctor fever
gives?|gave|giving|put|puts ~1 SEDATIVE ~5 CHILD // doctor fever vet
CHILD ~6 NOT ~2 been to school // holidays snow flu
CHILD ~9 flat|house|home|place ~2 full|covered ~2 rubbish|needles|mould|faeces|filth|flies|bottles
i|when ~2 was ~3 young|little|small|child|kid|four|five|six|seven|eight|nine|ten ~9 alone|hungry|locked // read slept
drunk|wasted|stoned|hungover|high ~5 forgot|missed ~4 CHILD
LEAVES ~3 CHILD ~4 ALONE // FRIENDLY
LEAVES ~2 CHILD ~3 in ~2 CAR|bath // seats? toys?
CHILD ~5 unattended|unsupervised|home_alone ~9 // FRIENDLY wrote
CHILD ~5 alone|themselves|himself|herself ~4 NIGHT|house|flat|apartment|street|car // FRIENDLY slept wrote played read
CHILD ~4 in|inside|locked|shut ~3 CAR ~9 HEAT // belt holiday air_con\w* sang seats? drove wash
no|any food in ~3 fridge|house|cupboards?|home|flat ~9 CHILD
CHILD ~9 HUNGRY ~4 bed|school|again|days|every|night // they_say snacks? after
CHILD ~9 eats?|eating|eaten|ate|fed ~1 nothing|not ~3 all|day|days|since|yesterday|for // dinner
CHILD ~9 hasnt|havent|not|nobody ~1 eaten|eat|fed|feeds ~4 since|days|yesterday|all|them|him|her
forgets?|forgot|refuses|stopped ~1 feed|feeding ~2 CHILD
CHILD ~9 begs?|begging|steals?|stole|digs|asks ~4 FOOD
DRUNK ~9 MINDS ~5 CHILD // sober
DRUNK ~5 CHILD ~4 MINDS // sober party wedding milk
CHILD ~9 DRUNK ~9 MINDS // sober party wedding milk
CHILD ~6 MINDS ~6 DRUNK // sober milk chair
MINDS ~4 CHILD ~5 DRUNK // sober milk chair
dr(?:ives|ove|ive|iving) ~2 him|her|them|me ~1 home|school drunk|stoned
CHILD ~5 on|in|outside ~3 balcony|street|yard|snow ~5 barefoot|smells?|freezing|cold|nights?|sleeps?
CHILD ~5 sleep(?:s|ing)? ~3 balcony|car|garage|shed|street|hallway|corridor // seat holiday trip
CHILD ~9 smells?|filthy|lice|nappy|diaper|barefoot ~9 days|weeks|never|nobody|again|winter|snow // chang\w+ bath
CHILD|sister|brother ~6 needles?|syringes?|loaded_gun // nurse vaccin\w+ knit\w* sewing
"""
_PERHAPS_CHILD = r"""
mou?ld|rats|cockroaches|needles|rubbish|maggots|filth // sell
crying|screaming|wailing ~1 for ~1 hours|ages // film
(?:at|in|to|from)_the pub|bar|casino|bingo|club|slots // football quiz brunch
out|gone|asleep ~1 every|all ~1 night|day|weekend // slept baby_slept
in front of ~2 CHILD|brothers?|sisters? // proposed dance sing
parents|mum|mom|dad|mother|father|babysitter|nanny|they|she|he ~3 DRUNK // beer_even wedding
no|never|any|without|nothing ~3 food|dinner|eat|breakfast|heating|electricity // nothing_but fussy picky
dirty|same|filthy|torn|thin clothes // laundry football
only|just me and|with ~2 baby|brothers?|sisters? // watch\w* played
CHILD ~9 cold|filthy|smells?|lice|shivering|freezing // after always
ALONE|unattended // walk school homework slept
i|we feed|cook|look_after|raise|change ~3 brothers?|sisters?|baby|CHILD // babysit\w*
hasnt|havent|didnt|doesnt|not ~1 come|been|comes home|back // cat
gone|out|away ~2 since|all|for|every ~2 day|night|days|weekend|nights|weeks // holiday school
telly|tv on|babysitt\w* // watch\w*
forgot ~1 CHILD|her|him|them // birthday name
CHILD ~6 CAR // drove seat
CHILD ~6 NOT coat|shoes|socks|heating // lost
degrees|heat|hot ~1 sun|outside
CHILD ~9 door|window|balcony|hall|wall ~4 cry(?:ing)?|cries|scream(?:s|ing)|wailing
cry(?:ing)?|cries|screams|screaming|wailing ~3 until|till|for|at ~3 am|morning|hours|midnight|two
NOT|nothing|nothing_to ~1 food|eat|milk|formula ~9 CHILD
CHILD ~9 HUNGRY // they_say after always snacks?
CHILD ~9 since|for|until ~2 days|nights|tuesday|monday|weeks|morning
CHILD ~9 crisps|cereal|biscuits|chips for ~2 days|weeks
do|does|smokes?|shoots?|cooks?|deals?|injects?|using meth|heroin|crack|cocaine|fentanyl|drugs
sister|brother|AGED|baby ~3 is|only|just ~1 two|three|four|five|six|seven|eight|nine|AGED
"""

_KINDS = ("child_in_danger",)
CHILD: tuple[Rule, ...] = (
    *english_rules(("abuse", *_KINDS), _CHILD_ABUSE, TABLES),
    *english_rules(_KINDS, _CHILD, TABLES),
    *english_rules(_KINDS, _PERHAPS_CHILD, TABLES, HALF),
)

__all__ = ["CHILD"]
