"""English terms for `risk`, by table: lower case, without apostrophes ("didnt", "hes"); see `risk_rules`."""

from .risk_rules import expand, table

_NUMBER = "[2-9]|1[0-7]|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"

TABLES: dict[str, str] = {
    # People.
    "ME": table(
        "me us her him them",
        "(?:my|our)_(?:face|head|mouth|stomach|ribs|jaw|legs?|arms?|back|cheeks?|nose|hands?|hair)",
        "(?:my|our|his|her)_(?:mum|mom|mother|dad|sister|brother|gran|nan|grandmother|wife|partner|son|daughter|kids)",
    ),
    "OWN": table("my his her their our the a"),
    "HE": table("he she they hes shes theyre hed shed theyd who"),
    "PARTNER": table(
        "husbands? hubby wife wives boyfriends? girlfriends? bf gf partner fiancee? spouse exs? missus fella",
        "other_half",
        "ex(?:husband|wife|boyfriend|girlfriend)",
    ),
    "KIN": table(
        "dads? father daddy papa mums? moms? mothers? mummy mommy mama parents folks",
        "step(?:dad|father|mum|mom|mother)",
        "brothers? sisters? uncle auntie? cousin gran(?:dad|ddad|dpa|dfather|dma|dmother|ny)? nan in_laws? law",
    ),
    "CARER": table(
        "teachers? coach(?:es)? instructor trainer priest vicar pastor imam nanny babysitter sitter childminder",
        "carers?",
        "caregivers? aides?",
        "orderly staff guards? nurses? foster_\\w+ tutor",
    ),
    "BOSS": table("boss bosss manager landlord professor director supervisor lecturer colleague coworker employer"),
    "STRANGER": table("man men guys? bloke lad stranger neighbou?rs? someone somebody flatmate roommate classmates?"),
    "ABUSER": table("HE PARTNER KIN CARER STRANGER"),
    "CHILD": table(
        "child childs children kids? kiddo bab(?:y|ys|ies) toddlers? newborns? infants? sons? daughters? boys?",
        "girls?",
        "(?:little|small|younger|baby)_(?:ones?|brother|sister|girl|boy|kid) nephews? nieces?",
        "step(?:sons?|daughters?|kids?) twins pupils? students?",
        "grand(?:sons?|daughters?|kids?|child|children) school(?:girls?|boys?)",
        f"(?:{_NUMBER})_(?:years?|yrs?|months?)_olds? (?:[1-9]|1[0-7])(?:yo|yrs?)",
    ),
    "AGED": table(
        f"(?:im|i_am|i_was|hes|he_is|he_was|shes|she_is|she_was|aged?|only|turned)_(?:(?:only|just)_)?(?:{_NUMBER})"
        "(?!_(?:hours?|minutes?|days?|weeks?|months?|times|miles|percent|of|hundred|thousand))",
        "(?:year|grade)_(?:[1-9]|1[0-3])",
        "(?:\\d+th|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)_grade [fm]1[0-7]",
        "my_(?:homework|grades|report_card|school_bag) as_a_(?:child|kid|boy|girl|teenager) growing_up",
        "when_i_was_(?:a_child|little|small|a_kid|young|a_girl|a_boy)",
    ),
    # Blows: unmistakable ones, those that need a target, and small ones.
    "HITS": table(
        "hits? hitting beats? beaten beating slap(?:s|ped|ping)? punch(?:es|ed|ing)? chok(?:es?|ed|ing)",
        "strangl(?:es?|ed|ing) throttl(?:es?|ed|ing) elbow(?:s|ed) kick(?:s|ed|ing)? whip(?:s|ped|ping)?",
        "spank(?:s|ed|ing)? smack(?:s|ed|ing)?",
        "thrash(?:es|ed)? batter(?:s|ed)? belt(?:s|ed) headbutt(?:s|ed) thump(?:s|ed)? stab(?:s|bed) backhanded",
    ),
    "SHOVES": table(
        "push(?:es|ed|ing)? knock(?:s|ed|ing)? rough(?:s|ed) grab(?:s|bed|bing)? thr(?:ow|ows|ew|own|owing)",
        "drag(?:s|ged|ging)? shov(?:es?|ed|ing)",
        "slam(?:s|med|ming)? pin(?:s|ned) yank(?:s|ed)? hurl(?:s|ed)? smash(?:es|ed) bang(?:s|ed) flings? flung",
    ),
    "AGAINST": table(
        "(?:against|into)_\\w+_(?:lockers?|walls?|wardrobe|door|fridge|counter|car|table|floor|sink|cupboard|stove|radiator)",
        "(?:down_the_(?:stairs|steps)|downstairs|to_the_(?:floor|ground)|across_the_(?:room|kitchen|floor))",
        "into_\\w+_(?:glass|furniture|bath) over_the_table on_the_floor",
        "by_(?:the|my|her|his|their)_(?:hair|throat|neck|arm|collar|wrists?|ears?)",
        "out_of_(?:bed|the_(?:bed|car|wheelchair|chair|shower|bath))",
    ),
    "HURTS": table(
        "crush(?:es|ed) squeez(?:es|ed) bends? bent pulls? hurts? hurting bruis(?:es|ed) shak(?:es?|ing) shook",
        "bit(?:es)? burn(?:s|ed|t|ing)? pinch(?:es|ed)?",
        "twist(?:s|ed)",
        "scratch(?:es|ed) starv(?:es|ed)",
    ),
    "WEAPON": table("knife gun pistol rifle shotgun axe machete hammer blade screwdriver cleaver bat"),
    "STRAP": table("belt cane strap slipper stick cable hairbrush broom cord hose spoon ruler"),
    "KILLS": table(
        "kill hurt beat shoot stab strangle burn bury smash destroy slit drown choke slap punch hit cut break ruin",
        "end murder",
    ),
    "THREATENS": table("threat(?:ens?|ened|ening) blackmail(?:s|ed|ing)"),
    "SAYS": table("say says said saying tells? told telling texts? texted swears? swore promis(?:es|ed) THREATENS"),
    "WILL": table("hell shell hed shed theyll theyd will would going_to gonna wants_to"),
    "PLACE": table("house home flat apartment work office door building school gym street window workplace"),
    "FOLLOWS": table("follow(?:s|ed|ing)? tails tailed chas(?:es|ed|ing)"),
    "LURKS": table("wait(?:s|ed|ing) sit(?:s|ting)? stand(?:s|ing)? parked lurks shows_up turns_up appears"),
    "BODY": table("knees? thighs? breasts? boobs bum ass butt bottom chest legs? crotch groin private_parts waist"),
    "PICTURES": table("pictures? photos? pics videos? nudes images"),
    "NUDES": table(
        "nudes? naked undress(?:ed)? clothes_off without_clothes underwear topless of_himself of_his_body",
    ),
    "INSULT": table(
        "worthless useless stupid pathetic disgusting ugly fat whore slut bitch cow pig trash garbage filth",
        "dumb retard loser mental crazy psycho burden mistake thick dirty cunt lazy nothing",
    ),
    "PHONE": table(
        "phone mobile messages? texts emails? whatsapp location passwords? dms socials accounts? mileage where_i_am"
    ),
    "CHECKS": table(
        "checks reads searches monitors controls tracks demands watches (?:go(?:es|ing)|looks|went)_through"
    ),
    "MONEY": table("passport wages salary visa papers documents id pay pension bank_cards? cards? benefits savings"),
    "KEEPS": table("takes? took taken keeps? kept hid hides? holds confiscated controls steals stole withholds"),
    "POSTS": table("post leak publish share send spread upload show"),
    "SHUTS": table("lock(?:s|ed|ing)? shuts? chain(?:s|ed)? tie[sd]? tying"),
    "ROOM": table(
        "in up inside out outside basement cellar shed room closet cupboard wardrobe garage bathroom balcony"
    ),
    # Self-harm.
    "SELF": table("myself himself herself themsel(?:ves|f)"),
    "SKIN": table("hands ankles? wrists? arms? thighs? legs? stomach skin forearms? hips?"),
    "PILLS": table(
        "tablet pill sleepers valium pills tablets paracetamol tylenol ibuprofen aspirin antidepressants meds",
        "medication insulin xanax painkillers",
    ),
    "POISON": table("bleach pesticide poison antifreeze acid petrol weedkiller detergent drain_cleaner"),
    "SEDATIVE": table(
        "cough_syrup benadryl antihistamines? sleeping_\\w+ vodka whiske?y rum brandy sedatives? melatonin_to"
    ),
    "MANY": table(
        "loads? lots? bunch tub stash strip all whole bottle box packs? packets? handfuls? too_many twenty thirty",
        "forty fifty sixty hundred \\d\\d+ entire",
    ),
    "TOOK": table(
        "take[sn]? took taking swallow(?:s|ed)? count(?:s|ed|ing) sav(?:es?|ed|ing) hoard(?:s|ed|ing)?",
        "collect(?:ed|ing)",
        "stockpil(?:ed|ing) emptied downed gulped",
    ),
    "JUMPS": table("jump(?:s|ed|ing)? step(?:ped|ping)? walk(?:ed|ing)?"),
    "HEIGHT": table(
        "bridge roof rooftop ledge balcony cliff tracks railings? platform overpass viaduct cliffs car_park",
        "multistorey",
    ),
    "TRAFFIC": table("trains? tram bus lorry truck metro traffic tube"),
    "PLANS": table("think thinking thought thoughts want wanted wanting tried dream imagine considered about"),
    "WISHES": table("wish(?:es|ed|ing)? hop(?:es?|ed|ing) want(?:s|ed)? pray(?:s|ed|ing)? wanna rather prefer"),
    "WRITES": table("post(?:ed|s) send sent recorded found finds write wrote writes written writing left leave hid"),
    "NOT": table(
        "not never dont wont wouldnt didnt couldnt doesnt no cant hasnt havent isnt arent wasnt werent nobody",
        "without hadnt cannot",
    ),
    # Neglect.
    "LEAVES": table("leav(?:es?|ing) left"),
    "ALONE": table(
        "alone unattended unsupervised by_themselves by_(?:him|her|it|my)self on_(?:his|her|their)_own behind"
    ),
    "NIGHT": table("day nights? overnight evenings? all_day hours days weekend dark [ap]m morning midnight"),
    "DRUNK": table(
        "drunk drunken high pissed off_(?:his|her|their)_(?:face|head) (?:few|many)_(?:pints|drinks) drinking vodka",
        "whiske?y gin beers? booze stoned wasted hammered plastered meth heroin cocaine",
        "crack fentanyl weed passed_out high_on",
    ),
    "MINDS": table(
        "driv(?:es?|ing) drove pick(?:s|ed)? bath watch(?:es|ing|ed)? mind(?:s|ing) look(?:s|ing)?_after",
        "babysits? babysat",
        "car in_the_back school_run pram",
    ),
    "CAR": table("car vehicle van golf truck suv minivan backseat back_seat"),
    "HEAT": table(
        "hot heat sun degrees windows? locked summer july august freezing shopping supermarket casino shops? boiling",
        "pub",
    ),
    "HUNGRY": table("hungry starving starved unfed underfed malnourished"),
    "FOOD": table("food crusts? bread leftovers lunch(?:es)? sandwich(?:es)?"),
    # What cancels a phrase: games and idioms, accidents, jokes, harmless ways to leave somebody.
    "GAME": table(
        "just_before before_i saved owe_(?:him|her)",
        "(?:hits?|hit|beats?|beat)_(?:me|us|him|her|them)_(?:that|how|like|to_\\w+|\\d+|when_i_(?:heard|read|saw))",
        "quiz exam bowling snooker cards fencing rugby hockey football \\d+_(?:\\d+|nil) goal\\w* cricket game games",
        "gaming",
        "music song by_mistake tickl\\w+ joking jokingly teasing mma paintball heimlich cough\\w* fishbone inside",
        "bump_kick",
        "(?:water|food)_(?:fight|balloon) pregnant_and cancer kick(?:s|ed|ing)?_off deadline",
        "(?:hits?|hitting)_\\w+_(?:up|that|how|with_the_(?:news|bill)) beat(?:s|en|ing)?_(?:\\w+_){1,3}(?:to_it"
        "|at_(?!night|home|all|the_party)|in_(?:a|the|straight|chess|every)_(?!car|kitchen|street|face|head|bed))",
        "kick(?:s|ed|ing)?_(?:\\w+_){1,3}out kick(?:s|ed|ing)?_(?:the|a)_ball punch(?:es|ed)?_(?:the|a)",
        "\\w*ball sparring boxing karate judo taekwondo wrestling pillow snowballs? frisbee opponent scor(?:e|ed)",
        "match tournament chess scrabble monopoly backgammon darts mario fifa poker tennis race playfully",
        "by_accident",
        "accidentally as_a_joke in_(?:his|her|my)_sleep high_five penalty olive shadow costume round_of",
        "stage_fight rehears\\w+ fight_scene hand_away stabb(?:ed|ing)_\\w+_in_the_back",
        "slapp?(?:s|ed)_(?:my|his|her)_(?:knees?|thighs?|forehead)",
    ),
    "OOPS": table(
        "lasagne barbecue bbq kettle grill toast kittens? puppy gardening thorns? roses? rabbit tripped sunburn\\w*",
        "by_(?:accident|mistake) accidentally shaving cooking chopping peeling slicing oven stove pan fell falling",
        "skating skiing football gym laughing paper fence can glass playing working lifting running climbing bike",
        "hot_(?:oil|tea|water) cat surgery operation",
    ),
    "JOKE": table(
        "cabin wifi holiday beach island hungover for_a_week embarrass\\w+ shame cringe\\w* awkward\\w* lol lmao",
        "haha\\w* laughing boredom called mic mortified",
    ),
    "FRIENDLY": table(
        "babysit\\w* grandparents homework for_a_(?:minute|moment) asked wanted "
        "with_(?:(?:my|his|her|their|our|a|the)_(?:KIN|PARTNER|neighbou?rs?|sitter|aunt|eldest|ipad|friends?)|grandma)"
    ),
    "MISTAKE": table(
        "by_(?:accident|mistake) accidentally keys? escape_room himself herself themselves changed_the_locks"
    ),
}
TABLES = {name: expand(terms, TABLES | {"NOT": TABLES["NOT"]}) for name, terms in TABLES.items()}

__all__ = ["TABLES"]
