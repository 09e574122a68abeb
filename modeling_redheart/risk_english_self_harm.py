"""English phrases of self-harm; see `risk_english`."""

from .risk_english_terms import TABLES
from .risk_rules import HALF, Rule, english_rules

_SELF_HARM = r"""
collect(?:ed|ing|s)?|hoard(?:ed|ing|s)?|stash(?:ed|ing|es)?|saving|stockpil(?:ed|ing) ~4 PILLS
  // pharmacy chemist prescription
NOT ~2 plan|planning|going|gonna|expect|intend ~2 see|seeing|live|living|make|making|reach ~4 thirty|forty|eighteen|
  christmas|birthday|summer|spring|graduation|then|monday // film play invited
went|walked|drove ~4 woods|garage|barn|forest|shed ~3 gun|shotgun|rifle|rope // hunting
want|wish|wanna|wanted ~1 to not ~1 exist|be|wake|live // JOKE late
wouldnt|dont|not ~1 mind|care ~3 if i|im ~2 die|died|dead|dying|never // of_
plane|car|train ~2 crash(?:ed|es)?|down ~4 fine|okay|glad|relieved|mind // insurance
NOT ~1 suicidal ~1 i was lying
pick(?:ed)?|chosen|chose|set|got ~1 a|the day|date ~2 die|over|end|do_it
rather|sooner ~1 be dead // JOKE eat watch wear
want|wants|wanted|wish|rather ~1 to|could ~1 not|stop exist|existing|be ~1 alive|exist|existing|here // JOKE meeting
done|finished|through with living|life // JOKE
(?:cant|cannot|dont|doesnt) ~2 see|have ~2 reason|point ~3 living|life|carry|carrying|go|going // JOKE
no|any|the|what point ~1 to|in ~1 life|anything|living|going|being|me|carrying // argu\w+
better|nicer|easier|happier|relieved|fine|cheaper ~6 if|without|when|once ~1 i|me|im|she|he ~2
  was|were|am|wasnt|werent|died|dead|gone|disappeared|here|around|never // gone_(?:to|from|for) team
if ~1 i|im|ive ~3 dead|died|gone|disappeared|vanished
  ~6 better|nicer|easier|happier|relieved|free|fine|notice|miss|care
hop(?:e|es|ed|ing)|wish(?:es|ed)?|pray(?:s|ed|ing)? ~4 TRAFFIC|car|illness|cancer|lorry|something|heart|accident ~4
  take|takes|kill|kills|hit|hits|run|runs|stop|stops ~1 me
goodbye|farewell|suicide ~1 letters?|notes?|video|message // colleagues? team job retire\w* boss work card
this is ~2 goodbye
burn|burns|burning|burned|burnt|cut|cuts|cutting|scratch\w*|carv\w+|slic(?:ed|ing) ~1 my|her|his|their|own ~2 SKIN ~3
  lighter|razor|blade|knife|iron|cigarettes?|scissors|compass|glass|badly|deep|deeper // OOPS
scars|cuts|marks|lines|burns ~5 up|on|along|down|across|over|inside ~3 arms?|forearms?|wrists?|thighs?
  ~9 says|said|hide|
  hides|sleeves|told|saw // OOPS him|he_did tattoo
(?:cuts|scars) ~5 up|along|down|across|over ~3 arms?|forearms?|wrists?|thighs? // cat kittens? surgery
razor|blade|knife|scissors|compass to|across|into|on ~1 my|her|his|their ~2 SKIN // OOPS shav\w+
nothing|noone|nobody ~1 to live for
starv(?:e|es|ed|ing)|stopped|refus(?:es|ed|ing) ~1 eating|myself|herself|himself ~1 on purpose
voices? ~5 says?|tells?|telling|saying|shouting ~2 jump|die|kill|hurt|do_it
PLANS|going|intend\w* ~3 to ~1 end ~1 it|things|everything // relationship marriage contract lease
say(?:s|ing)?|said|told|threat\w+ ~6 kill|hang|hurt|harm SELF
tried|trying|want|wants|wanted|going|decided ~1 to ~1 end it // relationship marriage
tried ~1 to ~1 off|unalive SELF
no longer wants?|wanted ~1 to ~1 live|exist|be
NOT ~1 deserve ~1 to ~1 live|exist
put|puts|pouring|stubs?|stubbed ~2 cigarettes? ~1 out on my|her|his SKIN
stabbed|slit|slashed|gassed|suffocated|starv(?:e|es|ed|ing) SELF // OOPS
slit|slashed ~1 my|her|his wrists?|throat
stomach pumped
pumped ~1 my|her|his stomach
died|dead|passed|gone|lost ~3 by|to suicide
oded|ods|unalive|kys
self inflicted|injury|injures|injuring|injured
live|life ~1 NOT ~1 worth ~2 living|it // price money
dr[aiu]nks?|drinking|swallow(?:s|ed) ~2 POISON // by_(?:accident|mistake) toddler baby dog cat
TOOK ~2 an overdose
bang(?:s|ed|ing)?|hit(?:s|ting)? ~1 my|his|her|their head|heads against|on ~1 wall|tiles|floor|door // OOPS
scratch|scratches|scratching|pick|bite ~3 till|until ~1 it|i|she|he bleeds?|bleeding // cat mosquito
look(?:ing|ed)|googl(?:ed|ing)|search(?:ed|ing)|research(?:ed|ing) ~2 how much|many|to|long ~1
  takes|die|pills|kill|noose
painless way|ways|death
NOT ~2 want ~1 to ~5 life ~2 anymore|any
want|wants|wanted|ready ~1 to ~1 join ~2 mum|mom|dad|him|her|baby in heaven
wants?|wanna|wanting ~1 to|a|die ~1 die|disappear|vanish // JOKE die_(?:of|from|when|on|in) rather
want(?:s|ed)?|wish(?:es|ed)?|wishing ~2 be|was|were|am dead // JOKE
PLANS ~1 about|of ~1 dying|death|killing|suicide // JOKE article book film
WISHES ~7 NOT ~1 wake|waking up // up_(?:the|my|late|with|hungover|her|him|them|everyone|at|early|to)
go|going|fall ~1 sleep|asleep ~2 never|not wake up
they|theyd|theyll|everyone|everybody|family|kids|world|all ~4 better off without me // team
better off dead
NOT ~2 want|wanna ~1 live|exist|be ~1 anymore|more|alive // live_(?:with|in|here|at)
NOT ~2 want|wanna to be alive
NOT ~2 want|wanna to be here|around any|anymore // party job meeting school town
no|see|any|the|whats reason|point ~2 living|alive|being|life ~1 here|anymore|alive|any|living
no reason to live
tired|sick of ~1 living|life|existing|alive
hates? being alive
not|isnt worth living
ends?|ended|ending|takes?|took|taken|taking my|his|her|their own li(?:fe|ves)
took|ended|ending|end my|his|her|their life // life_(?:in|as|on|back|seriously)
end|ending|ended it all
attempt(?:s|ed|ing)?|commit(?:s|ted|ting)?|consider(?:ed|ing)|contemplat(?:ed|ing)|plann(?:ed|ing)|tried|died ~2
  suicide
thinking|thoughts|talks|talking|lost ~5 suicide
suicidal // squeeze driving drivers cyclists
suicide notes?|attempts?|plan|letter|watch|pact
kill(?:s|ed|ing)?|hang(?:s|ed)?|hung|drown(?:s|ed)?|shot|poisoned SELF
  // laughing work at_the_gym trying over_(?:this|the) to_get go_hang in_the_foot deadlines? commute
kms
harm(?:s|ed|ing)? SELF
self harm(?:s|ed|ing)?
selfharm(?:s|ed|ing)?
hurts|hurting SELF // OOPS
hurt|cut|cuts|cutting|burn(?:s|ed|ing)? ~1 SELF ~3 purpose|again|feel|secretly|numb // OOPS
cuts|cutting SELF // OOPS off
cut(?:s|ting)?|slits?|burn(?:s|ed|ing)? ~1 OWN ~1 SKIN ~9 purpose|again|secret|sleeves|hide // surgery operation
cuts|slits?|cutting ~1 my|her|his|their ~1 SKIN // OOPS
started|back|still|stopped|been cutting again // hair grass weight
cutting again // hair grass council costs jobs budget cutting_again_the
scars|cuts on ~1 her|his|my|their ~1 wrists?|thighs?|arms?|forearms? // OOPS
razors?|blades? ~9 again|hid|hide|hidden|sleeves|wrists?|arm|pencil|marks // shav\w+ beard
hid|hide|hiding|hides ~2 blades?|razors? // shav\w+ toddler baby
TOOK ~4 MANY ~5 PILLS|sleeping // prescribed doctor_says every_(?:day|morning|evening|night) a_day
overdos(?:e|ed|ing) // chocolate cheese sugar cuteness coffee netflix
PLANS ~3 JUMPS|driving|drive|crashing|crash|steering ~4 HEIGHT|TRAFFIC|tree|wall|pillar|river|window
  // bungee parachut\w+ swim\w* lake pool licen[cs]e
JUMPS|threw|thrown|lay ~1 in front of ~3 TRAFFIC
threw|throw|throwing SELF ~2 front|under|off|from
JUMPS ~1 off|from ~3 HEIGHT // bungee swim\w* water lake river sea pool holiday cat walk\w+
wrong|other side of the ~2 railings?|barrier
WRITES ~4 goodbye|farewell|last|final notes?|letters?|message // colleagues? team job retire\w* boss resign\w* work
NOT ~1 have to worry ~1 about me|him|her much|any|anymore
have|has|got|made a plan and ~1 date|pills|how
"""
_PERHAPS_SELF_HARM = r"""
waste|drain ~1 of|on space|everyone|air|oxygen
nobody|noone|one|anyone ~1 would|ll|will|even ~1 care|notice|miss|cry // hair shoes
stop(?:ped|s)? breathing
it|everything|this ~1 to ~1 be over // film winter meeting exam
picked|chosen|chose|set ~1 a|the day|date // wedding meeting party
box|stanley|craft cutter|knife // parcels? carpet
empty ~1 blister|pill|tablet packs?|bottles?|packets?
unfinished|crumpled|long letter|note // council landlord
hat(?:e|es) myself|my_life|being_me // mornings
i dont|doesnt matter
pain|hurting|noise ~1 to stop|end // knee back tooth neighbours
long sleeves // uniform fashion
sorry ~1 mum|mom|dad|everyone|to_all
gave|giving|gives away // secret free bride
so|just|im|completely done // JOKE dishes
cant|cannot|couldnt ~1 do|take|cope|go|keep|face|carry ~2 any|anymore|on|going|much|more|another|it // job line joke
nothing|nobody|anything|noone ~1 left ~3 me|here // fridge shop sale
changed|wrote|sorted|sorting|finished|updated ~1 my|his|her|the ~1 will|affairs|paperwork|insurance|passwords
bought|buying|found|got|hid ~2 rope|gun|razors?|blades?|charcoal // shop farm climb\w+
found|finding ~2 home for ~1 the|my|her|his dog|cat // stray kittens
shoes|coat off // house door carpet
as|up|onto|on ~2 far|the|to ~4 HEIGHT // photo view party leak builder
tired|sick|exhausted ~1 of fighting|everything|trying|pretending|waking|it|hurting // insomnia
ready|want|wants to give|check ~1 up|out // smok\w+ sugar hotel
giv(?:e|en|ing) up ~1 on|completely // smok\w+ sugar meat chocolate
hid|hide|hiding|hidden|hides|locked ~3 PILLS|knives|blades|scissors|razors // toddler baby dog
count(?:ing|ed|s)|caught|saving|stash\w* ~2 them|PILLS
exhaust|hosepipe|hose // OOPS garden beat
numb|nothing_matters|pointless|in_the_way|taking_up_space // dentist foot fingers
made|packed|cooked ~3 week|month just|in case|so
relieved|happier if|when|without
want|wants|wanted|wish ~1 it|everything|this|all ~1 to|would ~1 stop|end // meeting film rain noise
NOT ~1 see ~2 future|way
(?:im|shes|hes|just|only|such) ~1 a burden
hopeless|worthless|empty // case internet fridge glass house room
NOT ~1 be ~1 here|around ~1 next|much|longer|soon|for // party
NOT ~1 do this any|anymore // job marriage dance
planning ~1 how // party wedding trip holiday
weeks|months|years ~1 planning
sorry for everything
be|better|fine|okay without ~1 me|her|him
psych|psychiatric ward|hold|unit // work nurse
crisis|suicide line|hotline
lived long enough
ask(?:s|ed)? ~2 where|how ~5 PILLS|gun
phones?|phone_is off // battery
relapsed // cold smok\w+ drink\w+
stopped|stop|quit|skip(?:ping)? taking ~1 my|his|her ~1 insulin|meds|medication|pills|heart
nobody|noone ~1 noticed|notices|would ~1 miss|notice|knows
thats ~3 idea|point
if|when|once|after i|she|he|im|shes|hes ~1 wasnt|werent|gone|dead|around // gone_(?:to|from)
who ~1 would|will|wed take|feed|have|look|mind ~1 the|my|her|his cat|dog|kids|children|rabbit
parked|stood|standing|sat|sitting|walk(?:ed|ing)? ~3 reservoir|cliff|cliffs|tracks|platform|pier|weir|quarry
engine on|running
everyone|everybody|they|nobody ~2 be happier|relieved|fine|miss ~1 without|me|if
rope|noose|razor|blades?
wanted to die|disappear|vanish // JOKE die_(?:of|from|when|on|in)
gonna die // JOKE if
cant|cannot go on // go_on_(?:holiday|the|a|stage|strike|my)
WRITES ~1 notes?|letters? // council teacher landlord bank
better off without me|him|her
gave|giving|gives ~2 his|her|my|me|all ~2 watch|things|stuff|records|belongings|everything
texted|said|wrote ~2 goodbye // airport party station
st(?:ood|anding|and)|sat|sitting|climbed|edge ~7 HEIGHT
NOT|no ~1 see ~1 point // of_(?:the|a)
have a plan
"""

_KINDS = ("self_harm",)
SELF_HARM: tuple[Rule, ...] = (
    *english_rules(_KINDS, _SELF_HARM, TABLES),
    *english_rules(_KINDS, _PERHAPS_SELF_HARM, TABLES, HALF),
)

__all__ = ["SELF_HARM"]
