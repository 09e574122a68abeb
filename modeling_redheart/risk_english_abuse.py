"""English phrases of violence, threats, stalking, coercion and control; see `risk_english`."""

from .risk_english_terms import TABLES
from .risk_rules import HALF, Rule, english_rules

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

_KINDS = ("abuse",)
ABUSE: tuple[Rule, ...] = (
    *english_rules(_KINDS, _ABUSE, TABLES),
    *english_rules(_KINDS, _PERHAPS_ABUSE, TABLES, HALF),
)

__all__ = ["ABUSE"]
