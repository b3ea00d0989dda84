using EveStorage.Host.Composition;

namespace EveStorage.Tests;

public class VolumeComposerTests
{
    private static readonly BackendCapabilities s_lvm = Pool(VolumeTraits.Thin, VolumeForm.Block);
    private static readonly BackendCapabilities s_zfs = Pool(
        VolumeTraits.Thin | VolumeTraits.Compressed | VolumeTraits.Encrypted, VolumeForm.Block, VolumeForm.FileSystem);
    private static readonly BackendCapabilities s_plainZfs = s_zfs with { Traits = s_zfs.Traits & ~VolumeTraits.Encrypted };

    private static readonly Layer s_luks = new("luks2", VolumeTraits.Encrypted, VolumeForm.Block, VolumeForm.Block);
    private static readonly Layer s_ext4 = new("ext4", VolumeTraits.None, VolumeForm.Block, VolumeForm.FileSystem);

    [Fact]
    public void Zfs_gives_an_encrypted_compressed_disk_by_itself()
        => Compose(s_zfs, VolumeForm.Block, VolumeTraits.Encrypted | VolumeTraits.Compressed).ShouldBeEmpty();

    [Fact]
    public void Lvm_needs_luks_for_an_encrypted_disk()
        => Compose(s_lvm, VolumeForm.Block, VolumeTraits.Encrypted, Over(s_luks), Over(s_ext4)).ShouldBe(["luks2"]);

    [Fact]
    public void Lvm_needs_luks_and_a_file_system_for_an_encrypted_directory()
        => Compose(s_lvm, VolumeForm.FileSystem, VolumeTraits.Encrypted, Over(s_luks), Over(s_ext4)).ShouldBe(["luks2", "ext4"]);

    [Fact]
    public void Lvm_cannot_compress_a_disk_and_says_so()
        => Refuse(s_lvm, VolumeForm.Block, VolumeTraits.Compressed, Over(s_luks)).ShouldContain("no layer of the profile adds Compressed");

    [Fact]
    public void Encrypting_over_a_compressing_pool_is_refused()
        => Refuse(s_plainZfs, VolumeForm.Block, VolumeTraits.Compressed | VolumeTraits.Encrypted, Over(s_luks)).ShouldContain("nothing to compress");

    [Fact]
    public void Encrypting_under_a_compressing_pool_is_fine()
        => Compose(s_plainZfs, VolumeForm.Block, VolumeTraits.Compressed | VolumeTraits.Encrypted, new PlacedLayer("luks2", s_luks, LayerPlacement.UnderPool)).ShouldBe(["luks2"]);

    [Fact]
    public void Encrypting_under_a_pool_is_fine_for_a_file_system_of_its_own_and_over_one_is_refused()
    {
        Compose(s_plainZfs, VolumeForm.FileSystem, VolumeTraits.Encrypted, new PlacedLayer("luks2", s_luks, LayerPlacement.UnderPool)).ShouldBe(["luks2"]);
        Refuse(s_plainZfs, VolumeForm.FileSystem, VolumeTraits.Encrypted, Over(s_luks)).ShouldContain("no layer of the profile adds Encrypted");
    }

    [Fact]
    public void A_quota_that_nothing_keeps_is_refused()
        => Refuse(s_lvm, Spec(VolumeForm.Block, VolumeTraits.None) with { Quota = ByteSize.GiB(2) }).ShouldContain("no layer of the profile adds Quota");

    [Fact]
    public void A_layer_where_it_cannot_sit_is_refused()
    {
        Layer underOnly = s_luks with { Sits = new HashSet<LayerPlacement> { LayerPlacement.UnderPool } };

        Refuse(s_lvm, VolumeForm.Block, VolumeTraits.Encrypted, Over(underOnly)).ShouldBe("vm42: luks2 can't be placed OverVolume");
    }

    private static PlacedLayer Over(Layer layer) => new(layer.Kind, layer, LayerPlacement.OverVolume);

    private static IEnumerable<string> Compose(BackendCapabilities pool, VolumeForm form, VolumeTraits traits, params PlacedLayer[] layers)
        => VolumeComposer.Compose(Spec(form, traits), pool, layers).Select(p => p.Kind);

    private static string Refuse(BackendCapabilities pool, VolumeForm form, VolumeTraits traits, params PlacedLayer[] layers)
        => Refuse(pool, Spec(form, traits), layers);

    private static string Refuse(BackendCapabilities pool, VolumeSpec spec, params PlacedLayer[] layers)
    {
        StorageException e = Should.Throw<StorageException>(() => VolumeComposer.Compose(spec, pool, layers));
        e.Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);
        return e.Message;
    }

    private static VolumeSpec Spec(VolumeForm form, VolumeTraits traits)
        => new() { Name = new("vm42"), Form = form, Size = ByteSize.GiB(1), Traits = traits };

    private static BackendCapabilities Pool(VolumeTraits traits, params VolumeForm[] forms)
        => new() { Forms = forms.ToHashSet(), Traits = traits };

    private sealed record Layer(string Kind, VolumeTraits Adds, VolumeForm Below, VolumeForm Above) : IVolumeLayer
    {
        public IReadOnlySet<LayerPlacement> Sits { get; init; } = new HashSet<LayerPlacement> { LayerPlacement.OverVolume, LayerPlacement.UnderPool };
        public LayerCapabilities Capabilities => new() { Adds = Adds, Below = Below, Above = Above, Placements = Sits, KeepsZeroes = true };
        public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken) => new([]);
        public string PathOver(LayerSite site) => site.LowerPath;
        public ValueTask<bool> IsOpenAsync(LayerSite site, CancellationToken cancellationToken) => new(true);
        public ValueTask<Plan> PlanFormatAsync(LayerSite site, CancellationToken cancellationToken) => new(Plan.Of());
        public ValueTask<Plan> PlanOpenAsync(LayerSite site, CancellationToken cancellationToken) => new(Plan.Of());
        public ValueTask<Plan> PlanCloseAsync(LayerSite site, CancellationToken cancellationToken) => new(Plan.Of());
        public ValueTask<Plan> PlanGrowAsync(LayerSite site, CancellationToken cancellationToken) => new(Plan.Of());
        public ValueTask<Plan> PlanEraseAsync(LayerSite site, CancellationToken cancellationToken) => new(Plan.Of());
    }
}
