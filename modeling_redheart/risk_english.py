"""English phrases for `risk`: lower case, without apostrophes ("didnt", "hes"); see `risk_rules`.

Notable: the same verbs are said of blows and of chess, of pills and of headaches. So nearly every phrase asks for who
does it to whom, or how much of it, and names what makes it a figure of speech, an accident or a game.
"""

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
_ABUSE = r"""
i|ive ~3 grabbed|squeezed|twisted|scratched ~1 my PARTNER|KIN ~4 hard|nails|bruise\w*|marks // GAME
HE|PARTNER|KIN ~2 broke|breaks|smashed ~3 over ~1 my|her|his|me|him ~2 head|back|arm|sisters|brothers|mums|moms|me|him
send ~3 photos?|pictures?|location|proof ~2 where
put|puts|putting ~1 his|her hands? ~5 BODY // nurse doctor physio\w* own
PARTNER|KIN|he|she|i|ive|im ~4 push(?:es|ing|ed)?|shov(?:es|ing|ed)|slap\w*|grab(?:s|bing) ME|PARTNER|wife|husband ~1
  when|if|during|whenever|every // swing pram wheelchair GAME
h[eo]ld(?:s|ing)?|kept|keeps ~3 door shut|closed // lift elevator
PARTNER|ex|he|man|stalker ~2 LURKS ~1 at|near ~1 my|our|her // pick drive flowers lift airport parents coffee
on top of me|her // dog cat
put|puts|smash\w*|slam\w* ~1 ME|moms|mums|sisters ~1 head ~1 through|into|against // OOPS GAME
put|puts|smash\w*|slam\w*|bang\w* ~1 my|her|his head ~1 through|into|against // OOPS GAME
i|ive|im|he|she|PARTNER ~3 shook|shakes|shaking ~1 my|our|her|me ~1 PARTNER|by|until|so|violently|kids // hands? head
videos?|photos?|pictures|films?|filmed ~2 me|her ~2 asleep|sleeping|naked|changing|undress\w* // art
scared|afraid|terrified|dread ~2 go|going home // dark bus rain
NOT ~1 feel|safe ~1 safe|at|with ~1 home|him|her|house|around // roads
PARTNER|KIN|he|she hurts|hits|chokes me ~1 when|if|whenever|badly|physically
slash(?:ed|es) my tyres?|tires?|face
ones|nan|gran|grandma|mum|patients?|residents?|clients? ~3 HITS ~1 by // GAME
CARER|nurse ~6 HITS|slaps|SHOVES ~2 patients?|residents?|old|elderly|nan|gran // GAME
i|ive|im|ive ~1 thr(?:ew|own)|threw ~3 at ~1 my PARTNER|KIN // GAME party ball
calls|rings|texts ~2 her|me ~2 forty|fifty|twenty|hundred|thirty|dozens times
ABUSER|BOSS ~5 HITS ~1 ME // GAME
i|ive|im|we ~4 HITS ~1 my|our ~2 PARTNER|KIN // GAME
get|gets|got|getting|was|were|been|being|keep|kept
  ~1 slapped|punched|choked|strangled|kicked|thrashed|smacked|spanked|
  whipped|belted ~3 if|when|for|every|by|because|again|in|across|with|last|at // GAME horse ball ponies
been|was|being|am|get|got|gets ~1 HITS ~1 by ~2 ABUSER // GAME score
knock(?:s|ed|ing)?|push(?:es|ed|ing)?|slap(?:s|ped|ping)?|kick(?:s|ed|ing)?|shov(?:es?|ed|ing) ~2 ME|mum|mom|dad
  about|around // ball idea
ABUSER|BOSS ~4 SHOVES ~3 AGAINST // GAME OOPS ball furniture
finger|choke|strangle|strangulation|belt|hand marks // OOPS
handprints?|fingermarks ~5 neck|face|arms?|throat|back
PARTNER|he|she ~2 ma(?:de|kes)|forces|forced ~2 give ~4 PHONE // OOPS fix
PARTNER ~3 CHECKS ~2 PHONE // work runs parcel battery
PARTNER|BOSS|KIN|he|she ~3 KEEPS ~1 my|her|his|our ~2 MONEY // renew\w* airport hotel reception tax safe_place found
PARTNER|HE|KIN ~4 call(?:s|ed|ing) me ~3 INSULT ~3 every|always|daily|constantly|all|again|in // laugh\w* joking
PARTNER|he|she ~4 wont|doesnt|never|dont let|lets|allow me ~3 work|friends|job|leave|money|out|card|family|sleep
  // early tip beach driv\w+ cook\w*
stop|stops|quit ~1 calling|texting|messaging|ringing|following ~1 me ~3 new|different|unknown|night|hour|numbers?
exs?|exhusband|exboyfriend|stalker ~4 stop|keeps|still ~1 calling|texting|messaging|ringing|following|turning|showing
  // friend kind photos
ex|he|man|guy|stranger|exboyfriend|exhusband ~9 LURKS ~1 by|at|outside|near|beside ~1 my|her car|house|flat|work|door|
  school|gym // pick drive flowers umbrella coffee lift airport
ABUSER|BOSS ~7 FOLLOWS ~1 me|her ~4 home|back|house|flat|car|work|halls|station|everywhere // cat dog puppy duck shop
BOSS|KIN|CARER|STRANGER|he|who|therapist|driver|customer ~5
  touch(?:es|ed|ing)|rub(?:s|bed|bing)|grab(?:s|bed|bing)|strok(?:es|ed|ing)|grop\w+|squeez(?:es|ed|ing) ~1 me|my|her ~2
  BODY|between|up|there|inappropriately // nurse doctor toddler OOPS hairdresser barber cut
brush(?:es|ed|ing)?|press(?:es|ed|ing)?|rub(?:s|bed|bing)? ~2 against me // cat dog
sex|no ~9 does|did|do|do(?:es)?nt|didnt ~1 it|me anyway // dishes sing
without my consent|permission // photo
didnt|dont|doesnt|never ~1 want|wanted|consent\w* ~1 to|it|any|sex ~3 made|forced|kept|carried|sex
nudes|intimate ~9 sent|posted|shared|leaked|send|post|share // art painting
forc(?:ed|es|ing) ~1 me|her|us ~1 to|into marry|marriage|sex
HE|PARTNER|KIN ~3 SAYS ~4 WILL ~2 KILLS ~2 me|us|her|him|them|my|our|myself_then // JOKE if_she_(?:knew|found)
ABUSER|BOSS threat\w+ ~1 me|us|her|him|them|my ~4 with|knife|gun|kill|deport\w*|violence // council homework
held|hold|holds|grabbed|grabs|dragged|drags|pulled|pulls|yanked|yanks ~1 ME ~2 by ~1 my|the|her|his|their
  throat|neck|hair|ears?|collar|wrists? // GAME
smash(?:ed|es)|br(?:oke|eaks)|destroy(?:ed|s) ~1 my ~1 phone|glasses|laptop ~2 so|and // dropped OOPS
ABUSER ~3 scratch(?:es|ed)|bit|bites|burn(?:s|ed|t)|pinch(?:es|ed)|spits|stab\w* ~1 me|my // cat dog baby toddler OOPS
police|they|immigration ~2 send|deport ~1 me ~2 home|back if
i|ive|ABUSER ~3 shov(?:es?|ed)|push(?:ed|es)|thr(?:ew|ows) ~1 my|me|her|him|us ~2 so hard // GAME swing sled
i|ive ~3 shov(?:es?|ed)|SHOVES ~1 my ~1 PARTNER|KIN ~6 fell|floor|hospital|ambulance|bleeding|stitches // GAME swing
put|puts|putting|rests|slid|slides|placed|runs ~1 his|her hand|hands ~3 BODY // nurse doctor physio\w* own
spits?|spat ~1 on|at|in ~1 me|her|my face|eyes|hair|me // baby camel llama
held|pinned|holds|pins me|her|him down
knocked|knocks me|her|him ~1 out|unconscious|down|over // wave dog bike surf\w+
sexually assaulted|harassed|abused|assaults|harasses
exposed|flashed|exposes|flashes ~1 himself|me ~2
restraining order
order ~3 protection // mail
force(?:d|s)?|forcing ~2 marry|marriage
marry|marrying|married me|her ~1 off
ABUSER ~3 controls ~1 my|me|her|everything|what|who|all // diabetes remote
wont|doesnt|refus(?:es|ed) ~1 take no for
PARTNER ~4 NOT ~1 let|lets|allow ~1 me talk|speak|see|meet|leave|work|go ~2 to|out|anyone|other|friends|my
  // early tip
PARTNER|he ~3 goes|went|going|looks|looked through ~1 my phone|messages|bag ~3 every|again|daily|always
PARTNER ~5 work|office|job|school|gym|house|flat ~3 again|every|until|uninvited // cook\w* clean\w* works lunch pick
ABUSER ~4 screams|shouts|yells|swears at me|her|us|him ~6 HURTS|HITS|SHOVES
i|ive|we ~4 SHOVES ~1 her|him|them ~1 AGAINST // GAME thief burglar
ABUSER ~3 pour(?:ed|s)|threw ~2 boiling|hot|acid|petrol|bleach ~2 over|on|at
ABUSER ~3 gave|gives|giving me|us|her|him|my ~3 beatings?|thrashing|hiding|bruises // GAME
beat(?:s|en|ing)? ~1 me|us|her|him|them up // GAME
he|husband|boyfriend|ex|father|stepdad ~1 broke|breaks ~3 her|my ~1 ribs?|jaw|nose|wrist|teeth // OOPS
ma(?:de|kes?)|making|forced me|us|her|him ~1 do|touch things|stuff|him|it // laugh
woke|wake|waking ~3 he|him|she ~2 on top|inside|touching
ABUSER ~2 NOT ~1 let|lets|allow ~1 me|her|him|us ~2 doctor|hospital|police|leave|phone|go // early driv\w+ down
PARTNER|KIN|CARER|BOSS|director ~6 part|job|role|promotion|raise ~4 if i|she|he ~2 nice|friendly|sweet ~1 him|her
ABUSER ~3 SHOVES ~3 AGAINST // GAME OOPS
ABUSER ~5 HITS ~1 ME // GAME
ABUSER ~3 HITS ~1 my|his|her|their ~1 PARTNER|KIN // GAME
PARTNER|KIN is|was|are|gets|got|been|has ~1 hitting|beating|choking|slapping|violent|abusive // GAME dislike reaction
  storm
ABUSER ~1 gets?|got|is|was|turn(?:s|ed)|became|becomes violent|abusive|physical
  // dislike storm reaction sneez\w+ cough
i|ive|we ~3 HITS ~1 my|our ~2 PARTNER|KIN // GAME
been|was|being|am|get|got|gets ~1 hit|beaten|slapped|punched|choked|kicked|strangled|abused ~1 by ~2 PARTNER|KIN|CARER
  // GAME
ABUSER ~3 SHOVES ~2 ME ~1 AGAINST
ABUSER ~3 SHOVES ~1 AGAINST // GAME
i|ive ~3 SHOVES ~1 my ~2 PARTNER|KIN ~1 AGAINST
ABUSER ~2 hands? ~1 round|around|on|over ~1 my|her|his neck|throat|mouth
PARTNER ~3 rais(?:ed|es?) ~1 hands?|fists? ~1 to|at|against
HE|PARTNER|KIN ~3 thr(?:ew|ows|owing)|hurled|flung|chucked ~4 at me|my|her|us
  // GAME party kiss\w* shade sock popcorn confetti surprise money question SELF a_look
CARER|PARTNER|KIN|CHILD ~5 HURTS|grab(?:s|bed)? ~2 my|her|his|me|him ~2 arms?|wrists?|hair|face|hands?|throat|neck
  // OOPS GAME
he|she gave|gives me|her|him a black eye
HE|PARTNER|KIN ~2 broke|breaks|fractured|cracked my ~1 nose|arm|ribs?|jaw|wrist|teeth|fingers? // OOPS ski\w* rugby
he|husband|boyfriend|father ~2 broke|breaks|fractured|cracked her ~1 nose|arm|ribs?|jaw|wrist|teeth|fingers? // OOPS
scared|afraid|terrified|frightened of ~1 PARTNER|KIN // dying losing telling disappointing death cooking snoring
HE|PARTNER|KIN ~3 pull(?:s|ed)|point(?:s|ed)|h[eo]ld|holds|came|comes|wav(?:ed|es)|put ~3 WEAPON ~1
  on|at|to|against|towards
HE|PARTNER|KIN ~4 SAYS ~4 WILL ~3 KILLS ~2 me|us|her|him|my|his|the|house
  // if_i(?:m|_am)_late surprise record joke JOKE if_(?:she|he|they)_(?:knew|found)
PARTNER|KIN|HE ~3 THREATENS ~3 to ~2 KILLS|hit|slap|take|POSTS|ruin // council sue
THREATENS ~3 to ~2 KILLS|hit|slap ~2 ME|my|the|our
if i|she|we ~2 leave|left|go|tell|told|went ~4 WILL|ill|itll ~2 find|kill|hurt|sorry|destroy|regret|burn
SAYS|THREATENS ~4 POSTS ~3 PICTURES ~5 if|unless // album grandma
i|she|he stalk(?:s|ed|ing) me|her|my // profile instagram linkedin
my stalkers?|stalks|stalking
HE|PARTNER|STRANGER ~1 FOLLOWS ~1 me|her home|everywhere|to|from|around // cat dog duck puppy instagram
PARTNER ~4 LURKS|outside ~4 my ~2 PLACE ~4 again|every|night|day|crying|still // flowers pick drive dog
PARTNER|STRANGER|he ~3 LURKS ~2 outside ~1 my|our|her ~2 PLACE // pick drive take flowers coffee umbrella dog
raped?|rapes|raping ~2 me|her|him|by|my|us
was|been|got|being raped|molested|groped|assaulted
molest(?:s|ed|ing)|grop(?:ed|es|ing)|fondled ~1 me|her|him|my|us
forc(?:ed|es|ing) himself|herself|themselves ~1 on|onto|upon
forc(?:ed|es|ing)|ma(?:de|kes)|pressur(?:es|ed)|coerced me|her|him ~2 sex|sleep|undress|strip|touch // early sleep_in
  late
touch(?:es|ed|ing)|grabbed|strok(?:es|ed)|rub(?:s|bed) ~1 my|her|his|me ~1 BODY // nurse doctor physio\w* massage
  toddler lost OOPS
PARTNER|KIN|CARER|BOSS ~3 touch(?:es|ed|ing) ~1 me|us // heart\w* heart_of
sa(?:id|y)|told ~1 no|stop ~6 carried|kept|didnt|wouldnt|did|continued|went ~1 on|going|stop|anyway|it|ahead
  // singing talking about eating barking dog singing bought
ha[ds]|have sex with me ~4 asleep|drunk|sleeping|unconscious|no
BOSS ~8 if i ~2 slept|sleep|came|come|went|kissed|undressed? ~6 room|him|her|hotel|bed|sex
HE|PARTNER|KIN|CARER ~3 SHUTS ~1 me|us|her|him|my ~1 in|inside|up|room|bedroom|bathroom|cellar // MISTAKE
i|ive ~2 chok(?:ed|e|ing)|strangled|slapped|punched her|him // GAME STRANGER thief
not allowed out // dogs? cats? rabbits? detention quarantine
not|isnt|im|never|arent ~1 allowed ~1 out|leave ~1 of|the|alone|house ~2 house|flat|alone|home
  // detention covid quarantine ward exam
PARTNER|he ~4 wont|doesnt|never|not|dont ~1 let|lets|allow|allows|letting me|her ~5
  house|alone|friends|family|sister|mother|parents|anyone|money|doctor|job // driv\w+ cook\w* surprise
cuts?|isolates?|isolated me|her ~1 off from ~2 family|friends|everyone|everybody
abusive|violent relationship|marriage|home|PARTNER|KIN
abus(?:ed|es|ing) ~1 me|her|him|us|my|by|as
i|me|my|us|our|we ~6 domestic|physical|sexual violence|abuse|assault // course lecture essay trained? report unit
CARER|home|staff ~4 tie[sd]?|strap(?:s|ped) ~4 bed|chair|radiator
PARTNER|KIN|CHILD ~4 HITS|HURTS ~4 until|till i|she|he ~1 signs?|signed|pays?
"""
_PERHAPS_ABUSE = r"""
FOLLOWS me // dog cat duck instagram
next time ~1 it|hell|shell ~3 be|kill|my
stares?|staring|watch(?:es|ing) ~1 at|me|us ~2 from|through // baby cat
ma(?:de|kes) ~1 me quit|leave|delete|stop|choose|account|beg|sleep // laugh
account for|receipts
gives ~1 me ~3 pounds|euros|dollars|quid|week // raise
walk(?:s|ing) in ~1 when|while|on ~2 changing|shower|dressed
scream(?:s|ed|ing)?|shout(?:s|ed|ing)? ~1 in|into my|her face
(?:was|is|were) my_fault|deserve(?:d|_it)? // praise award
(?:lost|loses) ~1 control|temper|it // keys match
(?:when|if|whenever) ~1 he|she|husband|dad|mum ~1 drinks|drunk|drinking|angry // tea coffee water
apologi[sz]ed?|sorry|cried ~1 afterwards|after|next_day|later
(?:told|tell) ~2 doctor|hospital|nurse|everyone|work ~3 fell|fallen|walked|tripped
makeup|sunglasses|scarf|sleeves ~2 cover|hide|because // party
temper // tantrum
flinch\w*|cower\w*|shaking
dead|black flowers|roses
slash(?:ed|es)|keyed ~1 my tyres?|tires?|car
quit|give_up ~1 my job|nursing|work|school // dream
isolat\w+|trapped|prisoner // lift snow island
call(?:s|ed|ing) me ~3 INSULT // friend joking
smash(?:ed|es)|punch(?:ed|es)|kick(?:ed|s) ~2 phone|doors?|walls?|laptop|plates?|windows?|tv // GAME dropped
against|blocked|blocks|blocking the door // lean\w* parcel
new|different|unknown|private numbers?
blocked ~1 him|her|and
(?:at|outside) my door|house|flat|work|window again
hid|hide|hiding ~2 in|from ~2 cupboard|wardrobe|him|bathroom
so|that i couldnt|cant ring|call|leave|phone|tell
walk(?:s|ing)? ~1 on eggshells
PARTNER ~4 keeps|kept ~2 turning|showing|coming|calling|texting|messaging // home late
asked|told|begged him|her|them to stop // sing\w+ smok\w+ bark\w+ eat\w+ humm\w+
goes|went|going|looks through ~1 my phone|messages|bag
PARTNER|he ~4 NOT ~1 let|lets|allow ~1 me
calls|called ~1 me ~1 worthless|stupid|useless|whore|names|fat|crazy // manager colleague
humiliat(?:es|ed|ing)|gaslight(?:s|ing)? // boss
womens|domestic shelter|refuge
afraid|scared|terrified of ~1 him|her // dog dogs
i ~2 (?:need|needed) ~1 his|her reference|visa|recommendation
alone ~3 office|meeting|car|room ~3 him|BOSS // taxi
if i|she ~2 tell|told|say|talk|leave|left
never|not see ~1 my|the|our kids|children|son|daughter again
bruise|bruises|bruised|black_eye // OOPS football apple
flinch(?:es|ed)?|cowers?
my|our own money
receipts|allowance // tax shop shoebox council office boss
ex|stalker|husband|PARTNER ~6 my car|door|flat|window|balcony|doorstep // wash\w+ drove paint\w*
police ~3 crime|nothing|cant
fists? ~3 wall|door|table
STRAP
screams|screamed|shouts|swears|yells ~2 at me|us|my|the // boss manager ball
scared|afraid|terrified|dread ~4 home|him|footsteps|temper|weekends
tracks?|tracking|tracker|spyware|airtag|gps ~3 me|my|her ~1 phone|car|bag|location // parcel
asleep|drunk|unconscious|sleeping ~5 sex|inside // baby
BOSS|landlords ~7 room|hotel|bed|knee|alone // booked paid upgrad\w+
keep|get|lose ~2 job|flat|place|part|shifts if i // dont
PARTNER|he ~3 wont|doesnt|never|not lets? me leave|work|sleep|eat // early
takes?|took|keeps?|kept|hid(?:es)?|holds|confiscated ~1 my ~2 passport|wages|salary|visa|papers|id|pay|pension
he|she|partner|law|husband|wife|PARTNER ~3 read(?:s|ing)|checks|searches|monitors|inspects|controls ~2 my ~1
  phone|messages|texts|emails|location|calls
tells|decides|controls|dictates ~1 me ~1 who|what|where ~1 im|i ~1 allowed|wear|see|can|meet|go
have|need to ask ~2 before|permission // boss council
allowed ~1 to ~1 see|leave|out|wear|talk|work // dogs
takes|took ~2 sim|keys // valet
"""
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

_S, _A, _C = ("self_harm",), ("abuse",), ("child_in_danger",)
ENGLISH: tuple[Rule, ...] = (
    *english_rules(_S, _SELF_HARM, TABLES),
    *english_rules(_S, _PERHAPS_SELF_HARM, TABLES, HALF),
    *english_rules(_A, _ABUSE, TABLES),
    *english_rules(_A, _PERHAPS_ABUSE, TABLES, HALF),
    *english_rules((*_A, *_C), _CHILD_ABUSE, TABLES),
    *english_rules(_C, _CHILD, TABLES),
    *english_rules(_C, _PERHAPS_CHILD, TABLES, HALF),
)

__all__ = ["ENGLISH"]
