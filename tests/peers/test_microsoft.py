"""Microsoft's layout. The implementation is no package; timm reads its files, and that reader is the judge here."""

import timm
import torch
from timm.models import swin_transformer, swin_transformer_v2

import swinlib
from swinlib.checkpoints import export_state_dict, load_checkpoint


@torch.no_grad()
def test_timm_reads_our_file(version, swin_tiny, images, assert_parity):
    exported = export_state_dict(swin_tiny, "microsoft")
    name = "swin_tiny_patch4_window7_224" if version == 1 else "swinv2_tiny_window8_256"
    theirs = timm.create_model(name, pretrained=False).eval()
    reader = swin_transformer if version == 1 else swin_transformer_v2
    theirs.load_state_dict(reader.checkpoint_filter_fn({"model": exported}, theirs), strict=True)
    x = images(*[224 if version == 1 else 256] * 2, batch=1)
    assert_parity(swin_tiny(x), theirs(x), 1e-5)


def test_entries_of_swin_t(version, swin_tiny):
    """The counts of the published files: index, coordinates (v2), and a mask for each of five shifted blocks."""
    exported = export_state_dict(swin_tiny, "microsoft")
    assert len(exported) == (190 if version == 1 else 250)
    masks = sorted(name for name in exported if name.endswith("attn_mask"))
    assert masks == [f"layers.{i}.blocks.{j}.attn_mask" for i, j in ((0, 1), (1, 1), (2, 1), (2, 3), (2, 5))]


def test_masks_and_indices_are_theirs(version, swin_tiny):
    """Masks and indices computed the reference's way, nine regions and all, for two image sizes."""
    m = 7 if version == 1 else 8
    yx = torch.stack(torch.meshgrid(torch.arange(m), torch.arange(m), indexing="ij")).flatten(1)
    offset = yx[:, :, None] - yx[:, None, :] + m - 1
    for factor in (1, 2):
        exported = export_state_dict(swin_tiny, "microsoft", image_size=32 * m * factor)
        for i in range(4):
            side, shift = 8 * m * factor // 2**i, m // 2
            region = torch.zeros(side, side)
            parts = (slice(0, side - m), slice(side - m, side - shift), slice(side - shift, side))
            for number, (rows, columns) in enumerate((r, c) for r in parts for c in parts):
                region[rows, columns] = number
            windows = region.view(side // m, m, side // m, m).permute(0, 2, 1, 3).reshape(-1, m * m)
            mask = (windows[:, None, :] != windows[:, :, None]) * -100.0
            found = exported.get(f"layers.{i}.blocks.1.attn_mask")
            assert (found is None) if side == m else torch.equal(found, mask)
            index = exported[f"layers.{i}.blocks.1.attn.relative_position_index"]
            assert torch.equal(index, offset[0] * (2 * m - 1) + offset[1])


def test_a_file_with_another_window(version, randomise, tmp_path):
    """A v2 file shows by its coordinates that it was trained with windows of 8, though it is for windows of 16."""
    tiny = {"embed_dim": 8, "depths": (2, 2), "num_heads": (1, 2), "version": version, "num_classes": 3}
    trained = randomise(swinlib.SwinTransformer(**tiny, window_size=8))
    scale = {"pretrained_window_size": 8} if version == 2 else {}
    enlarged = swinlib.SwinTransformer(**tiny, window_size=16, **scale)
    first = load_checkpoint(enlarged, export_state_dict(trained, "microsoft"))
    assert (first.trained_windows, first.windows) == (((8, 8),) * 2, ((16, 16),) * 2)
    again = swinlib.SwinTransformer(**tiny, window_size=16, **scale)
    report = load_checkpoint(again, export_state_dict(enlarged, "microsoft"))
    assert report.file_windows == report.windows
    assert report.trained_windows == ((8, 8) if version == 2 else (16, 16),) * 2
    x = torch.randn(1, 3, 128, 128)
    assert torch.equal(again.eval()(x), enlarged.eval()(x))
