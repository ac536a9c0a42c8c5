import {
  aid,
  automaticTag,
  elementHeader,
  type Field,
  integer,
  list,
  mark,
  maxOctets,
  octets,
  oid,
  sequence,
} from "../field.ts";

/**
 * Files of the elements that make them from a template, in the order of their tags from A2 on; `!` marks those that must
 * be present. eUICC Profile Package §8.3.4
 */
const templateFiles = {
  mf: "mf! ef-pl ef-iccid! ef-dir! ef-arr! ef-umpc",
  cd: "df-cd! ef-launchpad ef-icon",
  telecom:
    "df-telecom! ef-arr ef-rma ef-sume ef-ice-dn ef-ice-ff ef-psismsc df-graphics ef-img ef-iidf ef-ice-graphics ef-launch-scws ef-icon df-phonebook ef-pbr ef-ext1 ef-aas ef-gas ef-psc ef-cc ef-puid ef-iap ef-adn ef-pbc ef-anr ef-puri ef-email ef-sne ef-uid ef-grp ef-ccp1 df-multimedia ef-mml ef-mmdf df-mmss ef-mlpl ef-mspl ef-mmssmode df-mcs ef-mst ef-mcs-config df-v2x ef-vst ef-v2x-config ef-v2xp-pc5 ef-v2xp-Uu",
  usim: "adf-usim! ef-imsi! ef-arr! ef-keys ef-keysPS ef-hpplmn ef-ust! ef-fdn ef-sms ef-smsp ef-smss ef-spn! ef-est! ef-start-hfn ef-threshold ef-psloci ef-acc! ef-fplmn ef-loci ef-ad ef-ecc! ef-netpar ef-epsloci ef-epsnsc",
  "opt-usim":
    "ef-li ef-acmax ef-acm ef-gid1 ef-gid2 ef-msisdn ef-puct ef-cbmi ef-cbmid ef-sdn ef-ext2 ef-ext3 ef-cbmir ef-plmnwact ef-oplmnwact ef-hplmnwact ef-dck ef-cnl ef-smsr ef-bdn ef-ext5 ef-ccp2 ef-ext4 ef-acl ef-cmi ef-ici ef-oci ef-ict ef-oct ef-vgcs ef-vgcss ef-vbs ef-vbss ef-emlpp ef-aaem ef-hiddenkey ef-pnn ef-opl ef-mbdn ef-ext6 ef-mbi ef-mwis ef-cfis ef-ext7 ef-spdi ef-mmsn ef-ext8 ef-mmsicp ef-mmsup ef-mmsucp ef-nia ef-vgcsca ef-vbsca ef-gbabp ef-msk ef-muk ef-ehplmn ef-gbanl ef-ehplmnpi ef-lrplmnsi ef-nafkca ef-spni ef-pnni ef-ncp-ip ef-ufc ef-nasconfig ef-uicciari ef-pws ef-fdnuri ef-bdnuri ef-sdnuri ef-ial ef-ips ef-ipd ef-epdgid ef-epdgselection ef-epdgidem ef-epdgselectionem ef-frompreferred ef-imsconfigdata ef-3gpppsdataoff ef-3gpppsdataoffservicelist ef-xcapconfigdata ef-earfcnlist ef-mudmidconfigdata ef-eaka",
  isim: "adf-isim! ef-impi! ef-impu! ef-domain! ef-ist! ef-ad ef-arr!",
  "opt-isim":
    "ef-pcscf ef-sms ef-smsp ef-smss ef-smsr ef-gbabp ef-gbanl ef-nafkca ef-uicciari ef-frompreferred ef-imsconfigdata ef-xcapconfigdata ef-webrtcuri ef-mudmidconfigdata",
  phonebook:
    "df-phonebook! ef-pbr ef-ext1 ef-aas ef-gas ef-psc ef-cc ef-puid ef-iap ef-adn ef-pbc ef-anr ef-puri ef-email ef-sne ef-uid ef-grp ef-ccp1",
  "gsm-access": "df-gsm-access! ef-kc ef-kcgprs ef-cpbcch ef-invscan",
  csim: "adf-csim! ef-arr! ef-call-count! ef-imsi-m! ef-imsi-t! ef-tmsi! ef-ah! ef-aop! ef-aloc! ef-cdmahome! ef-znregi! ef-snregi! ef-distregi! ef-accolc! ef-term! ef-acp! ef-prl! ef-ruimid! ef-csim-st! ef-spc! ef-otapaspc! ef-namlock! ef-ota! ef-sp! ef-esn-meid-me! ef-li! ef-usgind! ef-ad! ef-max-prl! ef-spcs! ef-mecrp! ef-home-tag! ef-group-tag! ef-specific-tag! ef-call-prompt!",
  "opt-csim":
    "ef-ssci ef-fdn ef-sms ef-smsp ef-smss ef-ssfc ef-spn ef-mdn ef-ecc ef-me3gpdopc ef-3gpdopm ef-sipcap ef-mipcap ef-sipupp ef-mipupp ef-sipsp ef-mipsp ef-sippapss ef-puzl ef-maxpuzl ef-hrpdcap ef-hrpdupp ef-csspr ef-atc ef-eprl ef-bcsmscfg ef-bcsmspref ef-bcsmstable ef-bcsmsp ef-bakpara ef-upbakpara ef-mmsn ef-ext8 ef-mmsicp ef-mmsup ef-mmsucp ef-auth-capability ef-3gcik ef-dck ef-gid1 ef-gid2 ef-cdmacnl ef-sf-euimid ef-est ef-hidden-key ef-lcsver ef-lcscp ef-sdn ef-ext2 ef-ext3 ef-ici ef-oci ef-ext5 ef-ccp2 ef-applabels ef-model ef-rc ef-smscap ef-mipflags ef-3gpduppext ef-ipv6cap ef-tcpconfig ef-dgc ef-wapbrowsercp ef-wapbrowserbm ef-mmsconfig ef-jdl",
  eap: "df-eap! ef-eapkeys ef-eapstatus! ef-puid ef-ps ef-curid ef-reid ef-realm",
  "df-5gs":
    "df-5gs! ef-5gs3gpploci ef-5gsn3gpploci ef-5gs3gppnsc ef-5gsn3gppnsc ef-5gauthkeys ef-uac-aic ef-suci-calc-info ef-opl5g ef-supinai ef-routing-indicator ef-ursp ef-tn3gppsnn ef-cag ef-sor-cmci ef-dri ef-5gsedrx ef-5gnswo-conf ef-mchpplmn ef-kausf-derivation",
  "df-saip": "df-saip! ef-suci-calc-info-usim",
  "df-snpn": "df-snpn! ef-pws-snpn",
  "df-5gprose":
    "df-5g-prose! ef-5g-prose-st ef-5g-prose-dd ef-5g-prose-dc ef-5g-prose-u2nru ef-5g-prose-ru ef-5g-prose-uir",
  iot: "mf ef-pl ef-iccid ef-dir ef-arr ef-umpc adf-usim ef-imsi! ef-arr-usim ef-keys ef-keysPS ef-hpplmn ef-ust ef-start-hfn ef-threshold ef-psloci ef-acc! ef-fplmn ef-loci ef-ad ef-ecc ef-netpar",
  "opt-iot":
    "ef-fdn ef-sms ef-smsp ef-smss ef-spn ef-est ef-oplmnwact ef-hplmnwact ef-ehplmn ef-epsloci ef-epsnsc df-5gs ef-5gs3gpploci ef-5gsn3gpploci ef-5gs3gppnsc ef-5gsn3gppnsc ef-5gauthkeys ef-uac-aic ef-suci-calc-info ef-opl5g ef-supi-nai ef-routing-indicator ef-ursp ef-tn3gppsnn df-saip ef-suci-calc-info-usim",
} as const;

/** An element that makes files from a template. */
export type TemplateElement = keyof typeof templateFiles;

/** Files that contain keys of a network or a service. */
const keyFiles = new Set(
  "ef-keys ef-keysPS ef-kc ef-kcgprs ef-5gauthkeys ef-kausf-derivation ef-5gs3gppnsc ef-5gsn3gppnsc ef-epsnsc ef-eapkeys ef-gbabp ef-msk ef-muk ef-nafkca ef-hiddenkey ef-hidden-key ef-dck ef-spc ef-otapaspc ef-esn-meid-me ef-sippapss ef-sipsp ef-mipsp ef-3gcik ef-bakpara ef-upbakpara".split(
    " ",
  ),
);

/** FCP of a file. eUICC Profile Package §8.3.2, ETSI TS 102 222 */
const fcp: readonly Field[] = [
  octets(0x82, "fileDescriptor", [2, 4], { name: "file descriptor", optional: true }),
  octets(0x83, "fileID", 2, { name: "file identifier", optional: true, meaning: "file-identifier" }),
  aid(0x84, "dfName", { name: "DF name", optional: true }),
  octets(0x8a, "lcsi", 1, { name: "life cycle status", optional: true }),
  octets(0x8b, "securityAttributesReferenced", [1, 3], { name: "security attributes", optional: true }),
  octets(0x80, "efFileSize", [1, 4], { name: "file size", optional: true, meaning: "hex-number" }),
  octets(0xc6, "pinStatusTemplateDO", [0, 40], { name: "PIN status template", optional: true }),
  octets(0x88, "shortEFID", [0, 1], { name: "short file identifier", optional: true }),
  sequence(
    0xa5,
    "proprietaryEFInfo",
    [
      octets(0xc0, "specialFileInformation", 1, { name: "special file information", optional: true }),
      octets(0xc1, "fillPattern", [1, 200], { name: "fill pattern", optional: true }),
      octets(0xc2, "repeatPattern", [1, 200], { name: "repeat pattern", optional: true }),
      octets(0x86, "maximumFileSize", [1, 4], { name: "maximum size", optional: true, meaning: "hex-number" }),
      octets(0x84, "fileDetails", 1, { name: "details", optional: true }),
    ],
    { name: "proprietary information", optional: true },
  ),
  octets(0xc7, "linkPath", [0, 8], { name: "link path", optional: true, meaning: "path" }),
];

function file(tag: number, id: string, name: string, optional: boolean): Field {
  const content: readonly Field[] = [
    mark(0x80, "doNotCreate", { name: "do not create" }),
    sequence(0xa1, "fileDescriptor", fcp, { name: "file descriptor" }),
    integer(0x82, "fillFileOffset", 0xffff, { name: "skip" }),
    octets(0x83, "fillFileContent", [0, maxOctets], { name: "content", secret: keyFiles.has(name) }),
  ];
  return list(tag, id, content, 0, { name, optional });
}

/** `df-5gs` and its like are called `df-df-5gs` in the ASN.1. */
const doubled = new Set(["df-5gs", "df-saip", "df-snpn", "df-5g-prose"]);

/** Fields of an element that makes files from a template. eUICC Profile Package §8.3.4 */
export function templateFields(element: TemplateElement): readonly Field[] {
  const files = templateFiles[element].split(" ").map((word, index) => {
    const name = word.replace("!", "");
    return file(automaticTag(index + 2, true), doubled.has(name) ? `df-${name}` : name, name, !word.endsWith("!"));
  });
  return [elementHeader, oid(0x81, "templateID", { name: "template", meaning: "template", usual: 7 }), ...files];
}

/** Commands on files without a template. eUICC Profile Package §8.3.5 */
export const fileManagement: readonly Field[] = [
  elementHeader,
  list(
    0xa1,
    "fileManagementCMD",
    [
      list(
        0x30,
        "commands",
        [
          octets(0x80, "filePath", [0, 8], { name: "path", meaning: "path" }),
          sequence(0x62, "createFCP", fcp, { name: "create file" }),
          integer(0x02, "fillFileOffset", 0xffff, { name: "skip" }),
          octets(0x81, "fillFileContent", [0, maxOctets], { name: "content" }),
        ],
        1,
      ),
    ],
    1,
    { name: "file management" },
  ),
];
