/** What an element of an EIS may hold: these elements, these attributes, this text. Nothing else is taken. */
export interface ElementRule {
  readonly children?: Readonly<Record<string, ElementRule>>;
  readonly attributes?: Readonly<Record<string, RegExp>>;
  /** Text without blanks around it; absent: elements only. */
  readonly text?: RegExp;
  /** The text is chosen freely, and looked at for what could be a key. */
  readonly chosen?: boolean;
  /** Attributes that are unknown pass when they cannot be a secret: the element is signed unchanged. */
  readonly others?: boolean;
}

const any = /^[^\p{Cc}]*$/u;
const number = /^\d{0,15}$/;
const oid = /^[0-9.]{0,128}$/;
const flag = /^(true|false|0|1)?$/i;
const version = /^(\d{1,5}(\.\d{1,5}){0,3})?$/;
const date = /^[0-9T:.Z+-]{0,40}$/;
const octets = (min: number, max: number) => new RegExp(`^([0-9a-fA-F]{2}){${min},${max}}$`);
const base64 = /^[A-Za-z0-9+/=\s]*$/;
const ncName = /^[\p{L}_][\p{L}\p{N}._-]{0,63}$/u;

const leaf = (text: RegExp): ElementRule => ({ text });
const chosen = (text: RegExp): ElementRule => ({ text, chosen: true });
const group = (children: Readonly<Record<string, ElementRule>>): ElementRule => ({ children });

const identifier = { Id: ncName, ID: ncName, id: ncName };
/** An AID that is registered or proprietary; those of the issuer's own numbering are not used for eUICCs. ISO/IEC 7816-5 */
const aid = leaf(/^([ADF][0-9a-fA-F]([0-9a-fA-F]{2}){4,15})?$/i);
const eid = leaf(/^[0-9\s-]{0,80}$/);
const iccid = leaf(/^[0-9a-fA-F]{0,22}$/);

const certificate = group({
  Index: leaf(number),
  CaId: chosen(/^[0-9a-fA-F.]{0,64}$/),
  Value: leaf(/^7F21[0-9a-fA-F\s]*$/i),
});

/** The parts of a key; its value is read from here, and from nowhere else. */
const key: ElementRule = {
  attributes: { kcv: octets(0, 16) },
  children: { Index: leaf(number), KeyComponents: { attributes: { type: octets(1, 1), value: /^[0-9a-fA-F\s]*$/ } } },
};

/**
 * Public parts of keys may stand in what the manufacturer signed, which is kept unchanged. GP Card Specification table
 * 11-16
 */
const publicKey: ElementRule = {
  attributes: { kcv: octets(0, 8) },
  children: {
    Index: leaf(number),
    KeyComponents: { attributes: { type: /^(A0|A1|B0|B[2-7]|F0)$/i, value: /^[0-9a-fA-F\s]*$/ } },
  },
};

const domain = (keyRule: ElementRule): ElementRule =>
  group({
    Aid: aid,
    Tar: leaf(octets(0, 3)),
    Sin: leaf(octets(0, 16)),
    Sdin: leaf(octets(0, 16)),
    Role: leaf(/^(ISD-?R|ECASD|ISD-?P|MNO-?SD)?$/i),
    Keyset: group({
      Version: leaf(number),
      Type: leaf(/^[A-Za-z0-9]{0,24}$/),
      Cntr: leaf(number),
      Key: keyRule,
      Certificate: certificate,
    }),
  });

const policy = group({
  Rule: group({ Subject: leaf(/^\w{0,20}$/), Action: leaf(/^\w{0,20}$/), Qualification: leaf(/^[\w -]{0,40}$/) }),
});

const algorithm = { Algorithm: /^[\x21-\x7e]{0,200}$/ };
const transform: ElementRule = {
  attributes: algorithm,
  children: { InclusiveNamespaces: { attributes: { PrefixList: /^[\p{L}\p{N}._#\s-]{0,500}$/u } } },
};

/** A signature in XML, with certificates and public keys. W3C xmldsig-core */
const signature: ElementRule = {
  attributes: identifier,
  children: {
    SignedInfo: {
      attributes: identifier,
      children: {
        CanonicalizationMethod: transform,
        SignatureMethod: { attributes: algorithm },
        Reference: {
          attributes: { ...identifier, URI: /^[\x21-\x7e]{0,200}$/, Type: /^[\x21-\x7e]{0,200}$/ },
          children: {
            Transforms: group({ Transform: transform }),
            DigestMethod: { attributes: algorithm },
            DigestValue: leaf(base64),
          },
        },
      },
    },
    SignatureValue: { attributes: identifier, text: base64 },
    KeyInfo: {
      attributes: identifier,
      children: {
        KeyName: chosen(any),
        KeyValue: group({
          RSAKeyValue: group({ Modulus: leaf(base64), Exponent: leaf(base64) }),
          ECKeyValue: {
            attributes: identifier,
            children: { NamedCurve: { attributes: { URI: /^[\w:.-]{0,100}$/ } }, PublicKey: leaf(base64) },
          },
        }),
        X509Data: group({
          X509Certificate: leaf(base64),
          X509IssuerSerial: group({ X509IssuerName: chosen(any), X509SerialNumber: leaf(/^\d{0,60}$/) }),
          X509SubjectName: chosen(any),
          X509SKI: leaf(base64),
        }),
      },
    },
  },
};

const record = group({
  Eid: eid,
  "Smsr-id": chosen(oid),
  OperationDate: leaf(date),
  OperationType: leaf(octets(0, 2)),
  RequesterId: chosen(oid),
  OperationExecutionStatus: group({
    Status: leaf(/^[A-Za-z_-]{0,40}$/),
    StatusCodeData: group({
      Subject: chosen(oid),
      Reason: chosen(oid),
      SubjectIdentifier: chosen(any),
      Message: chosen(any),
    }),
  }),
  "Isd-p-aid": aid,
  Iccid: iccid,
  Imei: leaf(/^[0-9a-fA-F]{0,16}$/),
  Meid: leaf(/^[0-9a-fA-F]{0,18}$/),
});

/** An EIS. SGP.02 Annex A and E */
export const eisRule: ElementRule = {
  attributes: identifier,
  children: {
    EumSignedInfo: {
      attributes: identifier,
      others: true,
      children: {
        Eid: eid,
        "Eum-id": chosen(oid),
        ProductionDate: leaf(date),
        PlatformType: chosen(/^[\s\S]{0,100}$/),
        PlatformVersion: leaf(version),
        "Isd-p-loadfile-aid": aid,
        "Isd-p-module-aid": aid,
        Ecasd: domain(publicKey),
        EuiccCapabilities: group({
          CattpSupport: leaf(flag),
          CattpVersion: leaf(version),
          HttpSupport: leaf(flag),
          HttpVersion: leaf(version),
          SecurePacketVersion: leaf(version),
          RemoteProvisioningVersion: leaf(version),
        }),
      },
    },
    EumSignature: { attributes: identifier, children: { Signature: signature } },
    RemainingMemory: leaf(number),
    AvailableMemoryForProfiles: leaf(number),
    LastAuditDate: leaf(date),
    "Smsr-id": chosen(oid),
    ProfileInfo: group({
      Iccid: iccid,
      "Isd-p-aid": aid,
      "Mno-id": chosen(any),
      FallbackAttribute: leaf(flag),
      EmergencyProfileAttribute: leaf(flag),
      SubscriptionAddress: group({ Imsi: leaf(number), Msisdn: leaf(/^\+?\d{0,15}$/) }),
      State: leaf(/^[\w:.\- ]{0,40}$/),
      "Smdp-id": chosen(any),
      ProfileType: chosen(any),
      AllocatedMemory: leaf(number),
      FreeMemory: leaf(number),
      pol2: policy,
      Pol2: policy,
    }),
    "Isd-r": domain(key),
    AuditTrail: group({ Record: record }),
    AdditionalProperties: group({ Property: { attributes: { key: any, value: any } } }),
  },
};
