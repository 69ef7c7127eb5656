# What the keys of a PC keyboard mean: the layouts of X (xkeyboard-config 2.35, and its names but
# for ch-fr, us-intl, dvorak and colemak), and what its dead keys make of the next character (X11's
# en_US.UTF-8/Compose). tests/host/xkb.py prints lines for another one.
#
# First, for each dead key, which is a letter in a circle: characters in pairs, the next one and
# what both make; a second line goes on. Then for each layout its name, and eight lines, with a
# character for each of keyboard.py's _KEYS: without a modifier, with Shift, AltGr, and both; then
# the same with Caps Lock, where a space says that it is the same as without. "□" is none.

TEXT = r"""
ⓐ 'AÁCĆEÉGǴIÍKḰLĹMḾNŃOÓPṔRŔSŚUÚVǗWẂYÝZŹaácćeégǵiíkḱlĺmḿnńoópṕrŕsśuúvǘwẃyýzź ́ÂẤÅǺ
ⓐÆǼÇḈÏḮÔỐÕṌØǾÜǗâấåǻæǽçḉïḯôốõṍøǿüǘĂẮăắĒḖēḗŌṒōṓΩΏⓐ´
ⓑ ̣+⨥-⨪=⩦AẠBḄDḌEẸHḤIỊKḲLḶMṂNṆOỌRṚSṢTṬUỤVṾWẈYỴZẒaạbḅdḍeẹhḥiịkḳlḷmṃnṇoọrṛsṣtṭuụvṿwẉ
ⓑyỵzẓ ̣ÂẬÔỘâậôộĂẶăặⓑ̣
ⓒ ^(⁽)⁾+⁺-⁻.·0⁰1¹2²3³4⁴5⁵6⁶7⁷8⁸9⁹=⁼AÂCĈEÊGĜHĤIÎJĴOÔSŜUÛWŴYŶZẐaâcĉeêgĝhĥiîjĵoôsŝuû
ⓒwŵyŷzẑ ̂ÀẦÁẤÃẪÈỀÉẾÒỒÓỐÕỖàầáấãẫèềéếòồóốõỗⓒ^
ⓓ ˙AȦBḂCĊDḊEĖFḞGĠHḢIİLĿMṀNṄOȮPṖRṘSṠTṪWẆXẊYẎZŻaȧbḃcċdḋeėfḟgġhḣiıjȷlŀmṁnṅoȯpṗrṙsṡtṫ
ⓓwẇxẋyẏzż ̇ŚṤśṥŠṦšṧſẛⓓ˙
ⓔ ˘AĂEĔGĞIĬOŎUŬaăeĕgğiĭoŏuŭ ̆ÀẰÁẮÃẴàằáắãẵⓔ˘
ⓖ `AÀEÈIÌNǸOÒUÙVǛWẀYỲaàeèiìnǹoòuùvǜwẁyỳ ̀ÂẦÔỒÜǛâầôồüǜĂẰăằĒḔēḕŌṐōṑΩῺⓖ`
ⓗ ̉AẢBƁCƇDƊEẺFƑGƓIỈKƘMⱮNƝOỎPƤTƬUỦVƲWⱲYỶZȤaảbɓcƈdɗeẻfƒgɠhɦiỉkƙmɱnɲoỏpƥqʠrɼsʂtƭuủvʋ
ⓗwⱳyỷzȥ ̉ÂẨÔỔâẩôổĂẲăẳəɚⓗ̉
ⓘ /2ƻ<≮=≠>≯AȺBɃCȻDĐEɆGǤHĦIƗJɈLŁOØPⱣRɌTŦUɄYɎZƵaⱥbƀcȼdđeɇgǥhħiɨjɉlłoøpᵽrɍtŧuʉyɏzƶ ̸
ⓘÓǾóǿ≤≰≥≱ⓘ/
ⓚ ˇ(₍)₎+₊-₋0₀1₁2₂3₃4₄5₅6₆7₇8₈9₉=₌AǍCČDĎEĚGǦHȞIǏKǨLĽNŇOǑRŘSŠTŤUǓVǙZŽaǎcčdďeěgǧhȟiǐ
ⓚjǰkǩlľnňoǒrřsštťuǔvǚzž ̌ÜǙüǚƷǮʒǯⓚˇ
ⓛ ˝OŐUŰoőuű ̋ⓛ˝
ⓜ ¯AĀEĒGḠIĪOŌUŪVǕYȲaāeēgḡiīoōuūvǖyȳ ̄ÄǞÆǢÈḔÉḖÒṐÓṒÕȬÖȪÜǕäǟæǣèḕéḗòṑóṓõȭöȫüǖⓜ¯
ⓝ ̛OƠUƯoơuư ̛ÒỜÓỚÙỪÚỨòờóớùừúứⓝ̛
ⓞ ˛AĄEĘIĮOǪUŲaąeęiįoǫuų ̨ⓞ˛
ⓡ °AÅUŮaåuůwẘyẙ ̊ÁǺáǻⓡ°
ⓢ ¸CÇDḐEȨGĢHḨKĶLĻNŅRŖSŞTŢcçdḑeȩgģhḩkķlļnņrŗsştţ ̧¢₵ĆḈćḉⓢ¸
ⓣ ~<≲=≃>≳AÃEẼIĨNÑOÕUŨVṼYỸaãeẽiĩnñoõuũvṽyỹ ̃ÂẪÓṌÔỖÖṎÚṸâẫóṍôỗöṏúṹĂẴăẵⓣ~
ⓤ "'̈́AÄEËHḦIÏOÖUÜWẄXẌYŸaäeëhḧiïoötẗuüwẅxẍyÿ ̈´̈́ÍḮÕṎÙǛÚǗíḯõṏùǜúǘŪṺūṻⓤ¨
ⓥ ,SȘTȚsștț ̦ⓥ,
ⓦBḆDḎKḴLḺNṈRṞTṮZẔbḇdḏhẖkḵlḻnṉrṟtṯzẕ

us
`1234567890-=qwertyuiop[]asdfghjkl;'\<zxcvbnm,./ □.
~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"|>ZXCVBNM<>? □□
`1234567890-=qwertyuiop[]asdfghjkl;'\<zxcvbnm,./ □□
~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"|>ZXCVBNM<>? □□
             QWERTYUIOP  ASDFGHJKL    ZXCVBNM     □
             qwertyuiop  asdfghjkl    zxcvbnm
             QWERTYUIOP  ASDFGHJKL    ZXCVBNM
             qwertyuiop  asdfghjkl    zxcvbnm

gb
`1234567890-=qwertyuiop[]asdfghjkl;'#\zxcvbnm,./ □.
¬!"£$%^&*()_+QWERTYUIOP{}ASDFGHJKL:@~|ZXCVBNM<>? □□
|¹²³€½¾{[]}\ⓢ@ſe¶ŧ←↓→øþⓤⓣæßðđŋħⓗĸłⓐⓒⓖ|«»¢„“”µ•·ⓑ □□
|¡⅛£¼⅜⅝⅞™±°¿ⓞΩ§E®Ŧ¥↑ıØÞⓡⓜÆẞÐªŊĦⓝ&Łⓛⓚⓔ¦<>©‚‘’º×÷ⓓ □□
             QWERTYUIOP  ASDFGHJKL    ZXCVBNM     □
             qwertyuiop  asdfghjkl    zxcvbnm
              SE Ŧ   ØÞ  ÆẞÐĐŊĦ  Ł
               e ŧ   øþ  æßð ŋħ  ł

de
ⓒ1234567890ßⓐqwertzuiopü+asdfghjklöä#<yxcvbnm,.- □,
°!"§$%&/()=?ⓖQWERTZUIOPÜ*ASDFGHJKLÖÄ'>YXCVBNM;:_ □□
′¹²³¼½¬{[]}\ⓢ@ſ€¶ŧ←↓→øþⓤ~æſðđŋħⓑĸłⓛⓒ’|»«¢„“”µ·…– □□
″¡⅛£¤⅜⅝⅞™±°¿ⓞΩ§€®Ŧ¥↑ıØÞⓡ¯ÆẞÐªŊĦⓓ&Łⓑⓚⓔⓦ›‹©‚‘’º×÷— □□
           ẞ QWERTZUIOPÜ ASDFGHJKLÖÄ  YXCVBNM     □
             qwertzuiopü asdfghjklöä  yxcvbnm
              S  Ŧ   ØÞ  ÆẞÐĐŊĦ  Ł
                 ŧ   øþ  æſð ŋħ  ł

at
ⓒ1234567890ßⓐqwertzuiopü+asdfghjklöä#<yxcvbnm,.- □,
°!"§$%&/()=?ⓖQWERTZUIOPÜ*ASDFGHJKLÖÄ'>YXCVBNM;:_ □□
′¹²³¼½¬{[]}\ⓢ@ſ€¶ŧ←↓→øþⓤ~æſðđŋħⓑĸłⓛⓒ’|»«¢„“”µ·…– □□
″¡⅛£¤⅜⅝⅞™±°¿ⓞΩ§€®Ŧ¥↑ıØÞⓡ¯ÆẞÐªŊĦⓓ&Łⓑⓚⓔⓦ›‹©‚‘’º×÷— □□
           ẞ QWERTZUIOPÜ ASDFGHJKLÖÄ  YXCVBNM     □
             qwertzuiopü asdfghjklöä  yxcvbnm
              S  Ŧ   ØÞ  ÆẞÐĐŊĦ  Ł
                 ŧ   øþ  æſð ŋħ  ł

ch
§1234567890'ⓒqwertzuiopüⓤasdfghjklöä$<yxcvbnm,.- □.
°+"*ç%&/()=?ⓖQWERTZUIOPè!ASDFGHJKLéà£>YXCVBNM;:_ □□
¬|@#¼½¬|¢]}ⓐⓣ@ſ€¶ŧ←↓→œþ[]æßðđŋħⓗĸłⓐ{}\«»¢„“”µ•·ⓑ □□
¬¡⅛£$⅜⅝⅞™±°¿ⓞΩ§E®Ŧ¥↑ıŒÞⓡⓜÆẞÐªŊĦⓝ&Łⓛⓚⓔ¦<>©‚‘’º×÷ⓓ □□
             QWERTZUIOPÜ ASDFGHJKLÖÄ  YXCVBNM     □
    Ç        qwertzuiopÈ asdfghjklÉÀ  yxcvbnm
              S  Ŧ   ŒÞ  ÆẞÐĐŊĦ  Ł
                 ŧ   œþ  æßð ŋħ  ł

ch-fr
§1234567890'ⓒqwertzuiopèⓤasdfghjkléà$<yxcvbnm,.- □.
°+"*ç%&/()=?ⓖQWERTZUIOPü!ASDFGHJKLöä£>YXCVBNM;:_ □□
¬|@#¼½¬|¢]}ⓐⓣ@ſ€¶ŧ←↓→œþ[]æßðđŋħⓗĸłⓐ{}\«»¢„“”µ•·ⓑ □□
¬¡⅛£$⅜⅝⅞™±°¿ⓞΩ§E®Ŧ¥↑ıŒÞⓡⓜÆẞÐªŊĦⓝ&Łⓛⓚⓔ¦<>©‚‘’º×÷ⓓ □□
             QWERTZUIOPÈ ASDFGHJKLÉÀ  YXCVBNM     □
    Ç        qwertzuiopÜ asdfghjklÖÄ  yxcvbnm
              S  Ŧ   ŒÞ  ÆẞÐĐŊĦ  Ł
                 ŧ   œþ  æßð ŋħ  ł

fr
²&é"'(-è_çà)=azertyuiopⓒ$qsdfghjklmù*<wxcvbn,;:! □.
~1234567890°+AZERTYUIOPⓤ£QSDFGHJKLM%µ>WXCVBN?./§ □□
¬¹~#{[|`\^@]}æ«€¶ŧ←↓→øþⓤ¤@ßðđŋħⓗĸłµⓒⓖ|ł»¢„“”ⓐ•·ⓑ □□
¬¡⅛£$⅜⅝⅞™±°¿ⓞÆ<¢®Ŧ¥↑ıØÞⓡⓜΩẞÐªŊĦⓝ&Łºⓚⓔ¦Ł>©‚‘’ⓛ×÷ⓓ □□
  É    È ÇÀ  AZERTYUIOP  QSDFGHJKLMÙ  WXCVBN      □
             azertyuiop  qsdfghjklm   wxcvbn
             Æ   Ŧ   ØÞ   ẞÐĐŊĦ  Ł    Ł
             æ   ŧ   øþ   ßð ŋħ  ł    ł

be
²&é"'(§è!çà)-azertyuiopⓒ$qsdfghjklmùµ<wxcvbn,;:= □.
³1234567890°_AZERTYUIOPⓤ*QSDFGHJKLM%£>WXCVBN?./+ □□
¬|@#¼½^{[{}\ⓢ@ſ€¶ŧ←↓→œþ[]æßðđŋħⓗĸłⓐⓐⓖ\«»¢„“”ⓢ•·ⓣ □□
¬¡⅛£$⅜⅝⅞™±°¿ⓞΩ§¢®Ŧ¥↑ıŒÞⓡⓜÆẞÐªŊĦⓝ&Łⓛⓚⓔ\<>©‚‘’º×÷ⓓ □□
  É    È ÇÀ  AZERTYUIOP  QSDFGHJKLMÙ  WXCVBN      □
             azertyuiop  qsdfghjklm   wxcvbn
              S  Ŧ   ŒÞ  ÆẞÐĐŊĦ  Ł
                 ŧ   œþ  æßð ŋħ  ł

nl
@1234567890/°qwertyuiopⓤ*asdfghjkl+ⓐ<]zxcvbnm,.- □.
§!"#$%&_()'?ⓣQWERTYUIOPⓒ|ASDFGHJKL±ⓖ>[ZXCVBNM;:= □□
¬¹²³¼½¾£{}°\ⓢ@ſ€¶þÿüïò¶~ⓣáßðªŋħⓗĸłⓐ'ⓖ|«»¢“”ñμ¸·­ □□
¬¡⅛£$⅜⅝⅞[]™¿ⓞΩ§¢®Þ¥ÜÏÒÞ^ⓜÁẞÐªŊĦⓝ&Łⓛ`ⓔ¦<>©‘’Ñº«»ⓓ □□
             QWERTYUIOP  ASDFGHJKL    ZXCVBNM     □
             qwertyuiop  asdfghjkl    zxcvbnm
              S  Þ ÜÏÒ   ÁẞÐ ŊĦ  Ł         ÑΜ
                 þ üïò   áßð ŋħ  ł         ñ

es
º1234567890'¡qwertyuiopⓖ+asdfghjklñⓐç<zxcvbnm,.- □.
ª!"·$%&/()=?¿QWERTYUIOPⓒ*ASDFGHJKLÑⓤÇ>ZXCVBNM;:_ □□
\|@#~½¬{[]}\ⓢ@ſ€¶ŧ←↓→øþ[]æßðđŋħⓗĸłⓣ{}|«»¢„“”µ•·ⓑ □□
\¡⅛£$⅜⅝⅞™±°¿ⓞΩ§¢®Ŧ¥↑ıØÞⓡⓜÆẞÐªŊĦⓝ&Łⓛⓚⓔ¦<>©‚‘’º×÷ⓓ □□
             QWERTYUIOP  ASDFGHJKLÑ Ç ZXCVBNM     □
             qwertyuiop  asdfghjklñ ç zxcvbnm
              S  Ŧ   ØÞ  ÆẞÐĐŊĦ  Ł
                 ŧ   øþ  æßð ŋħ  ł

latam
|1234567890'¿qwertyuiopⓐ+asdfghjklñ{}<zxcvbnm,.- □.
°!"#$%&/()=?¡QWERTYUIOPⓤ*ASDFGHJKLÑ[]>ZXCVBNM;:_ □□
¬|@·~½¬{[]}\ⓢ@ſ€¶ŧ←↓→øþⓤ~æßðđŋħⓗĸł~ⓒⓖ\«»¢„“”µ•·ⓑ □□
¬¡⅛£$⅜⅝⅞™±°¿ⓞΩ§¢®Ŧ¥↑ıØÞⓡⓜÆẞÐªŊĦⓝ&Łⓛ{}|<>©‚‘’º×÷ⓓ □□
             QWERTYUIOP  ASDFGHJKLÑ   ZXCVBNM     □
             qwertyuiop  asdfghjklñ   zxcvbnm
              S  Ŧ   ØÞ  ÆẞÐĐŊĦ  Ł
                 ŧ   øþ  æßð ŋħ  ł

it
\1234567890'ìqwertyuiopè+asdfghjklòàù<zxcvbnm,.- □.
|!"£$%&/()=?^QWERTYUIOPé*ASDFGHJKLç°§>ZXCVBNM;:_ □□
¬¹²³¼½¬{[]}`~@ſ€¶ŧ←↓→øþ[]æßðđŋħⓗĸł@#ⓖ««»¢“”ñµⓐ·ⓜ □□
¦¡ⓛⓣ⅛⅜⅝⅞™±ⓞ¿ⓒΩ§¢®Ŧ¥↑ıØÞ{}ÆẞÐªŊĦⓝ&Łⓢⓡⓔ»<>©‘’Ñº×ⓤ÷ □□
            ÌQWERTYUIOPÈ ASDFGHJKLÒÀÙ ZXCVBNM     □
             qwertyuiopÉ asdfghjklÇ   zxcvbnm
              S  Ŧ   ØÞ  ÆẞÐĐŊĦ  Ł         Ñ
                 ŧ   øþ  æßð ŋħ  ł         ñ

pt
\1234567890'«qwertyuiop+ⓐasdfghjklçºⓣ<zxcvbnm,.- □.
|!"#$%&/()=?»QWERTYUIOP*ⓖASDFGHJKLÇªⓒ>ZXCVBNM;:_ □□
¬¹@£§½¬{[]}\ⓢ@ſ€¶ŧ←↓→øþⓤⓣæßðđŋħⓗĸłⓐⓒⓖ\«»¢„“”µ•·ⓑ □□
¬¡⅛£$⅜⅝⅞™±°¿ⓞΩ§¢®Ŧ¥↑ıØÞⓡⓜÆẞÐªŊĦⓝ&Łⓛⓚⓔ\<>©‚‘’º×÷ⓓ □□
             QWERTYUIOP  ASDFGHJKLÇ   ZXCVBNM     □
             qwertyuiop  asdfghjklç   zxcvbnm
              S  Ŧ   ØÞ  ÆẞÐĐŊĦ  Ł
                 ŧ   øþ  æßð ŋħ  ł

br
'1234567890-=qwertyuiopⓐ[asdfghjklçⓣ]\zxcvbnm,.; /,
"!@#$%ⓤ&*()_+QWERTYUIOPⓖ{ASDFGHJKLÇⓒ}|ZXCVBNM<>: ?□
¬¹²³£¢¬{[]}\§/?°®ŧ←↓→øþ´ªæßðđŋħⓗĸłⓐ~ºⓚ«»©„“”µ•·ⓑ °□
¬¡½¾¼⅜¨⅞™±°¿ⓞ/?°®Ŧ¥↑ıØÞ`ⓜÆẞÐªŊĦⓝ&Łⓛ^ºⓔ<>©‚‘’µ×÷ⓓ ¿□
             QWERTYUIOP  ASDFGHJKLÇ   ZXCVBNM     □
             qwertyuiop  asdfghjklç   zxcvbnm
                 Ŧ   ØÞ  ÆẞÐĐŊĦ  Ł
                 ŧ   øþ  æßð ŋħ  ł

dk
½1234567890+ⓐqwertyuiopåⓤasdfghjklæø'<zxcvbnm,.- □,
§!"#¤%&/()=?ⓖQWERTYUIOPÅⓒASDFGHJKLÆØ*>ZXCVBNM;:_ □□
¾¡@£$½¥{[]}±|@ſ€®þ←↓→œþⓤⓣªßðđŋħⓗĸłⓐⓒⓛ\«»©„“”µⓢ·ⓑ □□
¶¹²³¼¢⅝÷«»°¿¦Ω§¢®Þ¥↑ıŒÞⓡⓚºẞÐªŊĦⓝ&Łⓛⓚ×¬<>©‚‘’ºⓞⓓⓓ □□
             QWERTYUIOPÅ ASDFGHJKLÆØ  ZXCVBNM     □
             qwertyuiopå asdfghjklæø  zxcvbnm
              S  Þ   ŒÞ   ẞÐĐŊĦ  Ł
                 þ   œþ   ßð ŋħ  ł

no
|1234567890+\qwertyuiopåⓤasdfghjkløæ'<zxcvbnm,.- □,
§!"#¤%&/()=?ⓖQWERTYUIOPÅⓒASDFGHJKLØÆ*>ZXCVBNM;:_ □□
¦¡@£$½¥{[]}±ⓐ@ſ€®þ←↓→œπⓤⓣªßðđŋħⓗĸłⓐⓒⓛ½«»©„“”µⓢ…– □□
¶¹²³¼‰⅝÷«»°¿¬Ω§¢™Þ¥↑ıŒΠⓡⓚºẞÐªŊĦⓝ&Łⓛⓚ×¾<>©‚‘’ºⓞ·— □□
             QWERTYUIOPÅ ASDFGHJKLØÆ  ZXCVBNM     □
             qwertyuiopå asdfghjkløæ  zxcvbnm
              S  Þ   ŒΠ   ẞÐĐŊĦ  Ł
                 þ   œπ   ßð ŋħ  ł

se
§1234567890+ⓐqwertyuiopåⓤasdfghjklöä'<zxcvbnm,.- □,
½!"#¤%&/()=?ⓖQWERTYUIOPÅⓒASDFGHJKLÖÄ*>ZXCVBNM;:_ □□
¶¡@£$€¥{[]}\±@ſ€®þ←↓→œþⓤⓣªßðđŋħⓗĸłøæ´|«»©„“”µⓢ·ⓑ □□
¾¹²³¼¢⅝÷«»°¿¬Ω§¢®Þ¥↑ıŒÞⓡⓚºẞÐªŊĦⓝ&ŁØÆ×¦<>©‚‘’ºⓞⓓⓓ □□
             QWERTYUIOPÅ ASDFGHJKLÖÄ  ZXCVBNM     □
             qwertyuiopå asdfghjklöä  zxcvbnm
              S  Þ   ŒÞ   ẞÐĐŊĦ  ŁØÆ
                 þ   œþ   ßð ŋħ  łøæ

fi
§1234567890+ⓐqwertyuiopåⓤasdfghjklöä'<zxcvbnm,.- □,
½!"#¤%&/()=?ⓖQWERTYUIOPÅⓒASDFGHJKLÖÄ*>ZXCVBNM;:_ □□
ⓘ□@£$‰‚{[]}\ⓢqw€rþyuıœⓝⓛⓣəßðfghjĸⓘøæⓚ|ʒ×cvbŋµ’ⓑ– □□
□¡”»«“„□<>°¿ⓞQW□RÞYU|ŒⓗⓡⓜƏẞÐFGHJ□□ØÆⓔ¦Ʒ·CVBŊ—‘ⓓⓥ □□
             QWERTYUIOPÅ ASDFGHJKLÖÄ  ZXCVBNM     □
             qwertyuiopå asdfghjklöä  zxcvbnm
             QW RÞYU Œ   ƏẞÐFGHJ  ØÆ  Ʒ CVBŊ
             qw rþyu œ   əßðfghj  øæ  ʒ cvbŋ

is
ⓡ1234567890ö-qwertyuiopð'asdfghjklæⓐ+<zxcvbnm,.þ □.
ⓤ!"#$%&/()=Ö_QWERTYUIOPÐ?ASDFGHJKLÆⓐ*>ZXCVBNM;:Þ □□
¬¹²³¼½¬{[]}\ⓢ@ſ€¶ŧ←↓→ø|ⓤ~æß„đŋħⓗĸł^ⓒ`|«»¢„“”µ•·ⓑ □□
­¡⅛£¤⅜⅝⅞™±°¿ⓞΩ§¢®Ŧ¥↑ıØπⓡⓜÆẞ“ªŊĦⓝ&Łⓛⓚⓔ¦<>©‚‘’º×÷ⓓ □□
           Ö QWERTYUIOPÐ ASDFGHJKLÆ   ZXCVBNM  Þ  □
           ö qwertyuiopð asdfghjklæ   zxcvbnm  þ
              S  Ŧ   Ø   Æẞ ĐŊĦ  Ł
                 ŧ   øΠ  æß  ŋħ  ł

pl
`1234567890-=qwertyuiop[]asdfghjkl;'\<zxcvbnm,./ □,
~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"|>ZXCVBNM<>? □□
¬≠²³¢€½§·«»–ⓢπœę©ß←↓→óþⓤⓣąśðæŋ’ə…łⓐⓒⓖ|żźć„”ńµ≤≥ⓑ □□
∨¡¿£¼‰∧≈¾±°—ⓞΩŒĘ®™¥↑↔ÓÞⓡⓜĄŚÐÆŊ•ƏⓘŁⓛⓚⓔ¦ŻŹĆ‘“Ń∞×÷ⓓ □□
             QWERTYUIOP  ASDFGHJKL    ZXCVBNM     □
             qwertyuiop  asdfghjkl    zxcvbnm
             ΩŒĘ     ÓÞ  ĄŚÐÆŊ Ə Ł    ŻŹĆ  Ń
             πœę     óþ  ąśðæŋ ə ł    żźć  ń

cz
;+ěščřžýáíé=ⓐqwertzuiopú)asdfghjklů§ⓤ\yxcvbnm,.- □.
ⓡ1234567890%ⓚQWERTZUIOP/(ASDFGHJKL"!'|YXCVBNM?:_ □□
`!@#$%^&*{}\ⓜ\|€¶ŧ←↓→øþ[]~đĐ[]`'łŁ$'\/°#&@{}^<>* □□
~ⓣⓚⓒⓔⓡⓞⓖⓓⓐⓛⓤⓢΩ§E®Ŧ¥↑ıØÞ÷×ÆẞÐªŊĦⓝ&Łⓛß|¦<>©‚‘’º×÷ⓓ □□
  ĚŠČŘŽÝÁÍÉ  QWERTZUIOPÚ ASDFGHJKLŮ   YXCVBNM     □
             qwertzuiop  asdfghjkl    yxcvbnm
                 Ŧ   ØÞ   ẞ     Ł
                 ŧ   øþ   đ

sk
;+ľščťžýáíé=ⓐqwertzuiopúäasdfghjklô§ň\yxcvbnm,.- □.
ⓡ1234567890%ⓚQWERTZUIOP/(ASDFGHJKL"!)|YXCVBNM?:_ □□
`!@#$%^&*{}\ⓜ\|€¶ŧ←↓→øþ[]~đĐ[]`'łŁ$'\/°#&@{}^<>* □□
~ⓣⓚⓒⓔⓡⓞⓖⓓⓐⓛⓤⓢΩ§E®Ŧ¥↑ıØÞ÷×ÆẞÐªŊĦⓝ&Łⓛß|¦<>©‚‘’º×÷ⓓ □□
  ĽŠČŤŽÝÁÍÉ  QWERTZUIOPÚÄASDFGHJKLÔ Ň YXCVBNM     □
             qwertzuiop  asdfghjkl    yxcvbnm
                 Ŧ   ØÞ   ẞ     Ł
                 ŧ   øþ   đ

hu
0123456789öüóqwertzuiopőúasdfghjkléáűíyxcvbnm,.- □,
§'"+!%/=()ÖÜÓQWERTZUIOPŐÚASDFGHJKLÉÁŰÍYXCVBNM?:_ □□
¬~ⓚ^ⓔⓡⓞ`ⓓⓐⓛⓤⓢ\|Ä¶ŧ–€Í„”÷×äđĐ[]ħíłŁ$ß¤<>#&@{}<;>* □□
¬ⓣˇⓒ˘°˛ⓖ˙´˝¨¸Ω§E®Ŧ¥↑íØÞⓡⓜÄẞÐªŊĦÍ&Ł¢ẞⓔ><>©‚‘’º×÷ⓓ □□
          ÖÜÓQWERTZUIOPŐÚASDFGHJKLÉÁŰÍYXCVBNM     □
          öüóqwertzuiopőúasdfghjkléáűíyxcvbnm
                 Ŧ       Äẞ   ĦÍŁ  ẞ
                 ŧ  Í    äđ   ħí   ß

hr
`1234567890'+qwertzuiopšđasdfghjklčćž<yxcvbnm,.- □,
~!"#$%&/()=?*QWERTZUIOPŠĐASDFGHJKLČĆŽ>YXCVBNM;:_ □□
¬~ⓚ^ⓔ°ⓞ`ⓓⓐⓛⓤⓢ\|€¶ŧ←↓→øþ÷×æ„”[]ħⓗłłⓐß¤|‘’¢@{}§<>ⓑ □□
¬ⓣˇⓒ˘ⓡ˛ⓖ˙'˝¨¸ΩŁ€®Ŧ¥↑ıØÞⓡⓜÆ»«ªŊĦⓝ&Łⓛⓚⓔ¦»«©`'}º×÷ⓓ □□
             QWERTZUIOPŠĐASDFGHJKLČĆŽ YXCVBNM     □
             qwertzuiopšđasdfghjklčćž yxcvbnm
                 Ŧ   ØÞ  Æ    Ħ ŁŁ
                 ŧ   øþ  æ    ħ  ł

ro
`1234567890-=qwertyuiop[]asdfghjkl;'\\zxcvbnm,./ □.
~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"||ZXCVBNM<>? □□
`ⓣⓚⓒⓔⓡⓞⓖⓓⓐⓛⓤⓢâß€rțyuîo§„”ășđfghjkł;'\|zx©vbnm«»/ □□
~□□□□□□□□□□–±Âẞ□RȚYUÎO□□□ĂȘĐFGHJKŁ:"|¦ZX□VBNM□□? □□
             QWERTYUIOP  ASDFGHJKL    ZXCVBNM     □
             qwertyuiop  asdfghjkl    zxcvbnm
             Âẞ RȚYUÎO   ĂȘĐFGHJKŁ    ZX VBNM
             âß rțyuîo   ășđfghjkł    zx vbnm

tr
"1234567890*-qwertyuıopğüasdfghjklşi,<zxcvbnmöç. □,
é!'^+%&/()=?_QWERTYUIOPĞÜASDFGHJKLŞİ;>ZXCVBNMÖÇ: □□
<>£#$½¾{[]}\|@□€¶₺←ûîô□ⓤ~âß□ª□□ⓗ□□´'`|«»¢„“”µ×·ⓓ □□
°¡²³¼⅜□□□±°¿□Ω□□®□¥ÛÎÔ□ⓡⓜÂ□□□□□ⓝ□□ⓐⓚⓖ¦<>©‚‘’º□÷ⓓ □□
             QWERTYUIOPĞÜASDFGHJKLŞİ  ZXCVBNMÖÇ   □
É            qwertyuıopğüasdfghjklşi  zxcvbnmöç
                   ÛÎÔ   Â
                   ûîô   â

ee
ⓚ1234567890+ⓐqwertyuiopüõasdfghjklöä'<zxcvbnm,.- □.
ⓣ!"#¤%&/()=?ⓖQWERTYUIOPÜÕASDFGHJKLÖÄ*>ZXCVBNM;:_ □□
¬¹@£$½¬{[]}\`@ſ€¶ŧ←↓→øþⓤ§æšðđŋħⓗĸłⓐ^½|ž»¢„“”µ<>| □□
¬¡⅛£$⅜⅝⅞™±°¿'Ω§¢®Ŧ¥↑ıØÞⓡⓜÆŠÐªŊĦⓝ&Łⓛⓚⓔ¦Ž>©‚‘’º×÷˙ □□
             QWERTYUIOPÜÕASDFGHJKLÖÄ  ZXCVBNM     □
             qwertyuiopüõasdfghjklöä  zxcvbnm
              S  Ŧ   ØÞ  ÆŠÐĐŊĦ  Ł    Ž
                 ŧ   øþ  æšð ŋħ  ł    ž

lt
`ąčęėįšųū„“-žqwertyuiop[]asdfghjkl;'\–zxcvbnm,./ □.
~ĄČĘĖĮŠŲŪ()_ŽQWERTYUIOP{}ASDFGHJKL:"|€ZXCVBNM<>? □□
´1234567890–=@ſ€¶ŧ←↓→øþⓤⓣæßðđŋħⓗĸłⓐⓒⓖ|«»¢„“”µ•·ⓑ □□
¬!@#$%^&*()¿+Ω§£®Ŧ¥↑ıØÞⓡⓜÆẞÐªŊĦⓝ&Łⓛⓚⓔ¦<>©‚‘’º×÷ⓓ □□
 ĄČĘĖĮŠŲŪ   ŽQWERTYUIOP  ASDFGHJKL    ZXCVBNM     □
 ąčęėįšųū   žqwertyuiop  asdfghjkl    zxcvbnm
              S  Ŧ   ØÞ  ÆẞÐĐŊĦ  Ł
                 ŧ   øþ  æßð ŋħ  ł

lv
`1234567890-=qwertyuiop[]asdfghjkl;'\<zxcvbnm,./ □.
~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"|>ZXCVBNM<>? □□
´¹²³€½¾{[]}\–qwēŗtyūīōp«»āšdfģhjķļ;“`|žxčvbņm•·/ □□
~¡⅛£¢⅜⅝⅞™±°¿—QWĒŖTYŪĪŌP“”ĀŠDFĢHJĶĻ:„˘¦ŽXČVBŅM×÷˙ □□
             QWERTYUIOP  ASDFGHJKL    ZXCVBNM     □
             qwertyuiop  asdfghjkl    zxcvbnm
             QWĒŖTYŪĪŌP  ĀŠDFĢHJĶĻ    ŽXČVBŅM
             qwēŗtyūīōp  āšdfģhjķļ    žxčvbņm

ca
#1234567890-=qwertyuiopⓒⓢasdfghjkl;ⓖ<«zxcvbnm,.é □.
|!"/$%?&*()_+QWERTYUIOPⓒⓤASDFGHJKL:ⓖ>»ZXCVBNM'.É □□
\±@£¢¤¬¦²³¼½¾qwertyui§¶[]asdfghjkl~{}°zxcvbnµ¯­ⓐ □□
□□□□□□□□□□□□□QWERTYUI□□□□ASDFGHJKL□□□¦ZXCVBN□□□□□□□
             QWERTYUIOP  ASDFGHJKL    ZXCVBNM  É  □
             qwertyuiop  asdfghjkl    zxcvbnm  é
             QWERTYUI    ASDFGHJKL    ZXCVBN
             qwertyui    asdfghjkl    zxcvbn

us-intl
ⓖ1234567890-=qwertyuiop[]asdfghjkl;ⓐ\\zxcvbnm,./ □.
ⓣ!@#$%ⓒ&*()_+QWERTYUIOP{}ASDFGHJKL:ⓤ||ZXCVBNM<>? □□
`¡²³¤€¼½¾‘’¥×äåé®þüúíóö«»áßðfghjœø¶'¬\æx©vbñµçⓓ¿ □□
~¹ⓛⓜ£ⓢ^ⓝⓞⓔⓡⓑ÷ÄÅÉ®ÞÜÚÍÓÖ“”Á§ÐFGHJŒØ°"¦|ÆX¢VBÑµÇⓚⓗ □□
             QWERTYUIOP  ASDFGHJKL    ZXCVBNM     □
             qwertyuiop  asdfghjkl    zxcvbnm
             ÄÅÉ ÞÜÚÍÓÖ  Á ÐFGHJŒØ    ÆX VBÑ Ç
             äåé þüúíóö  á ðfghjœø    æx vbñ

dvorak
`1234567890[]',.pyfgcrl/=aoeuidhtns-\<;qjkxbmwvz □.
~!@#$%^&*(){}"<>PYFGCRL?+AOEUIDHTNS_|>:QJKXBMWVZ □□
`1234567890[]',.pyfgcrl/=aoeuidhtns-\<;qjkxbmwvz □□
~!@#$%^&*(){}"<>PYFGCRL?+AOEUIDHTNS_|>:QJKXBMWVZ □□
                PYFGCRL  AOEUIDHTNS    QJKXBMWVZ  □
                pyfgcrl  aoeuidhtns    qjkxbmwvz
                PYFGCRL  AOEUIDHTNS    QJKXBMWVZ
                pyfgcrl  aoeuidhtns    qjkxbmwvz

colemak
`1234567890-=qwfpgjluy;[]arstdhneio'\-zxcvbkm,./ □.
~!@#$%^&*()_+QWFPGJLUY:{}ARSTDHNEIO"|_ZXCVBKM<>? □□
ⓣ¡ºª¢€ħðþ‘’–×äåãøⓞđłúüö«»áⓖßⓐⓤⓚñéíóõ~–æⓒçœⓔⓡⓜⓢⓓ¿ □□
~¹²³£¥ĦÐÞ“”—÷ÄÅÃØ~ĐŁÚÜÖ‹›Á~ẞⓛ~~ÑÉÍÓÕ~—Æ~ÇŒ~~~~~~ □□
                                                  □
"""
