"""The people, houses and doors of the estate, in the scripts that people write their names in."""

PROPERTIES = ("Harbour Court", "Linden Park", "Mill Lane Lofts")

# name of the family, last name, a Latin form for e-mail addresses, first names
HOUSEHOLDS = (
    ("Fly", "Fly", "fly", ("Tom", "Grace", "Ada")),
    ("Casa Núñez", "Núñez", "nunez", ("José", "Lucía", "Mateo", "Inés")),
    ("Okafor", "Okafor", "okafor", ("Mina", "Chidi", "Ngozi")),
    ("李家", "李", "li", ("伟", "娜", "明")),
    ("Müller-Lüdenscheidt", "Müller-Lüdenscheidt", "mueller", ("Jürgen", "Käthe")),
    ("O'Brien", "O'Brien", "obrien", ("Siobhán", "Pádraig", "Aoife")),
    ("عائلة الحداد", "الحداد", "haddad", ("ليلى", "يوسف", "سلمى")),
    ("Οικογένεια Παπαδοπούλου", "Παπαδοπούλου", "papadopoulou", ("Ελένη", "Νίκος")),
    ("The Rossis 🏡", "Rossi", "rossi", ("Giulia", "Marco", "Sofia")),
    ("משפחת לוי", "לוי", "levi", ("נועה", "דוד")),
    ("Demir Ailesi", "Demir", "demir", ("Aylin", "Emre", "Can")),
    ("Nguyễn", "Nguyễn", "nguyen", ("Thị Hương", "Văn Minh")),
    ("Smith & Jones", "Smith", "smith", ("Amelia", "Oliver")),
    ("Дом Ивановых", "Иванова", "ivanova", ("Ольга", "Сергей")),
    ("佐藤", "佐藤", "sato", ("さくら", "健太", "陽菜")),
    ("김씨네", "김", "kim", ("민준", "서연")),
    ("Van der Berg", "van der Berg", "vanderberg", ("Sanne", "Daan")),
    ("Sørensen", "Sørensen", "sorensen", ("Freja", "Åse", "Søren")),
    ("Kowalczyk", "Kowalczyk", "kowalczyk", ("Zofia", "Łukasz")),
    ("Duarte", "Duarte", "duarte", ("Ana", "Rui", "Beatriz")),
    ("शर्मा परिवार", "शर्मा", "sharma", ("प्रिया", "अर्जुन")),
    ("Dupont", "Dupont", "dupont", ("Chloé", "Étienne")),
    ("Popescu", "Popescu", "popescu", ("Ștefan", "Ioana")),
    ("Garage Flat", "Hughes", "hughes", ("Rhys",)),
    ("Abebe", "Abebe", "abebe", ("Selam", "Dawit", "Liya")),
    ("Silva & Filhos", "Silva", "silva", ("Paulo", "Marta", "Tiago")),
    ("บ้านสุขใจ", "สุขใจ", "sukjai", ("มาลี", "สมชาย")),
    ("Horváth", "Horváth", "horvath", ("Réka", "Gergő")),
    ("Penthouse", "Castellanos", "castellanos", ("Valentina", "Iker", "Abril", "Leo")),
    ("Jansson", "Jansson", "jansson", ("Elsa", "Björn")),
    ("Tāne Whānau", "Tāne", "tane", ("Aroha", "Wiremu")),
    ("Novák", "Novák", "novak", ("Jiří", "Tereza")),
    ("MacLeod", "MacLeod", "macleod", ("Isla", "Callum")),
    ("Хата Шевченків", "Шевченко", "shevchenko", ("Тарас", "Оксана")),
    ("Guðmundsdóttir", "Guðmundsdóttir", "gudmundsdottir", ("Sigríður",)),
    ("Fernández de Córdoba y Álvarez de Toledo", "Fernández de Córdoba", "fernandez", ("Íñigo", "Pilar")),
    ("The Annexe", "Clarke", "clarke", ("Nadia", "Ben")),
    ("خانواده رضایی", "رضایی", "rezaei", ("مریم", "علی")),
    ("Öztürk", "Öztürk", "ozturk", ("Deniz", "Şule")),
    ("Flat 40", "Byrne", "byrne", ("Conor",)),
)

# What stands at each property: name of the device, its type, names of its doors.
PUBLIC_DEVICES = (
    (
        ("Lobby, Tower A", "Multi-tenants Doorphone", ("Lobby, Tower A", "Lift Lobby")),
        ("Lobby, Tower B", "Multi-tenants Doorphone", ("Lobby, Tower B",)),
        ("Courtyard Gate", "Multi-tenants Doorphone", ("Courtyard Gate", "Pedestrian Gate")),
        ("Concierge", "Guard Phone", ("Main Entrance",)),
        ("Car Park", "Access Control", ("Car Park Barrier",)),
        ("Bicycle Store", "Access Control", ("Bicycle Store",)),
    ),
    (
        ("Main Entrance", "Multi-tenants Doorphone", ("Main Entrance",)),
        ("Garden Gate", "Multi-tenants Doorphone", ("Garden Gate",)),
        ("Service Entrance", "Multi-tenants Doorphone", ("Service Entrance", "Bin Store")),
        ("Gate House", "Guard Phone", ("Vehicle Gate",)),
        ("Underground Garage", "Access Control", ("Garage Ramp",)),
        ("Roof Terrace", "Access Control", ("Roof Terrace",)),
    ),
    (
        ("Mill Lane Door", "Multi-tenants Doorphone", ("Mill Lane Door",)),
        ("Canal Side Door", "Multi-tenants Doorphone", ("Canal Side Door",)),
        ("Loading Bay", "Multi-tenants Doorphone", ("Loading Bay", "Goods Lift")),
        ("Night Porter", "Guard Phone", ("Night Door",)),
        ("Gym", "Access Control", ("Gym",)),
        ("Post Room", "Access Control", ("Post Room",)),
    ),
)

OPENING_TYPES = ("Private Key", "NFC", "Bluetooth", "Face", "Remote", "Temp Key", "Call", "")
