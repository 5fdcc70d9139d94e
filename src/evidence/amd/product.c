/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/amd/product.h"

static const char *const names[SNP_PRODUCT_COUNT] = {
    [SNP_MILAN] = "Milan", [SNP_GENOA] = "Genoa", [SNP_TURIN] = "Turin"};

const char *snp_product_name(enum snp_product product)
{
    return names[product];
}

bool product_of_cpuid(uint8_t family, uint8_t model, enum snp_product *product_out)
{
    static const struct {
        uint8_t family, first, last;
        enum snp_product product;
    } ranges[] = {
        {0x19, 0x00, 0x0f, SNP_MILAN},
        {0x19, 0x10, 0x1f, SNP_GENOA},
        {0x19, 0xa0, 0xaf, SNP_GENOA},
        {0x1a, 0x00, 0x1f, SNP_TURIN},
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (family != ranges[i].family || model < ranges[i].first || model > ranges[i].last) continue;
        *product_out = ranges[i].product;
        return true;
    }
    return false;
}

static bool is_stepping(struct slice text)
{
    return text.size == 2 && text.bytes[0] >= 'A' && text.bytes[0] <= 'Z' && text.bytes[1] >= '0' &&
           text.bytes[1] <= '9';
}

bool product_of_name(struct slice name, enum snp_product *product_out)
{
    struct slice before, stepping;
    if (slice_split(name, '-', &before, &stepping)) {
        if (!is_stepping(stepping)) return false;
        name = before;
    }
    for (size_t i = 0; i < SNP_PRODUCT_COUNT; i++) {
        if (!slice_equal_text(name, names[i])) continue;
        *product_out = (enum snp_product)i;
        return true;
    }
    return false;
}

struct snp_tcb tcb_of_bytes(enum snp_product product, struct slice bytes)
{
    const uint8_t *const at = bytes.bytes;
    if (product == SNP_TURIN)
        return (struct snp_tcb){.fmc = at[0], .boot_loader = at[1], .tee = at[2], .snp = at[3], .microcode = at[7]};
    return (struct snp_tcb){.boot_loader = at[0], .tee = at[1], .snp = at[6], .microcode = at[7]};
}

const struct tcb_part *tcb_parts(enum snp_product product)
{
    static const struct tcb_part first[SNP_TCB_BYTES] = {
        {1, "blSPL"}, {2, "teeSPL"}, {4, "spl4"}, {5, "spl5"}, {6, "spl6"}, {7, "spl7"}, {3, "snpSPL"}, {8, "ucodeSPL"},
    };
    static const struct tcb_part turin[SNP_TCB_BYTES] = {
        {9, "fmcSPL"}, {1, "blSPL"}, {2, "teeSPL"}, {3, "snpSPL"},
        {5, "spl5"},   {6, "spl6"},  {7, "spl7"},   {8, "ucodeSPL"},
    };
    return product == SNP_TURIN ? turin : first;
}

size_t chip_id_bytes(enum snp_product product)
{
    return product == SNP_TURIN ? SNP_TURIN_HWID_BYTES : SNP_CHIP_ID_BYTES;
}
