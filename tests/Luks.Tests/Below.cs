using System.Security.Cryptography;
using EveStorage.Linux;
using EveStorage.Luks;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>A file below a layer, with keys, and operations on it. Headers need no device mapper, so that all of this is cryptsetup's own work.</summary>
internal sealed class Below : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    /// <param name="placement">Where the layer is.</param>
    /// <param name="device">A device instead of the file.</param>
    internal Below(LayerPlacement placement = LayerPlacement.OverVolume, string? device = null)
    {
        Assert.SkipUnless(
            (Command.Find("cryptsetup") is not null && Command.Find("wipefs") is not null) || Environment.GetEnvironmentVariable("CI") == "true",
            "needs cryptsetup and wipefs");
        Site = new()
        {
            Placement = placement,
            Subject = "data/vm42",
            Name = $"evestorage-test-{Guid.NewGuid():N}",
            LowerPath = device ?? _directory["image"],
            Key = new("first"),
        };
        if (device is null)
        {
            Resize(ByteSize.MiB(24));
        }

        Keys.Put("first", 64);
        Keys.Put("second", 64);
    }

    internal LayerSite Site { get; }

    internal LuksOptions Options { get; } = new() { Cipher = "aes-xts" };

    internal TestKeys Keys { get; } = new();

    internal string Path => Site.LowerPath;

    internal LuksLayer Layer => new(Options, Keys);

    internal LuksDevice Device => new(Site, Options, Keys);

    internal LuksHeader? Header => Device.FindHeader();

    internal static OperationRequest Request() => new() { Id = Guid.NewGuid() };

    internal void Resize(ByteSize size)
    {
        using FileStream image = File.Open(Path, FileMode.OpenOrCreate);
        image.SetLength(size.Bytes);
    }

    internal async Task<OperationRequest> FormatAsync(OperationRequest? request = null)
    {
        request ??= Request();
        await RunningPlans.RunAsync(await Layer.PlanFormatAsync(Site, default), request, default);
        return request;
    }

    internal static async Task<IReadOnlyList<StorageStep>> RunAsync(ValueTask<Plan> plan) => await RunningPlans.RunAsync(await plan, Request(), default);

    internal async Task<bool> OpensAsync(string key)
    {
        using KeyMaterial material = await Keys.GetAsync(new(key), default);
        return await Device.OpensAsync(material, default);
    }

    internal string Hash()
    {
        using FileStream image = File.OpenRead(Path);
        return Convert.ToHexString(SHA256.HashData(image));
    }

    /// <summary>Runs a program on it.</summary>
    internal async Task ToolAsync(string program, params string[] arguments)
        => await (Command.Find(program) ?? throw new InvalidOperationException($"{program} is needed")).RunAsync([.. arguments, Path], default);

    public void Dispose() => _directory.Dispose();
}

/// <summary>Keys in memory.</summary>
internal sealed class TestKeys : IKeyProvider
{
    private readonly Dictionary<string, byte[]> _keys = [];

    internal void Put(string name, int length) => _keys[name] = RandomNumberGenerator.GetBytes(length);

    internal void Put(string name, byte[] key) => _keys[name] = key;

    internal byte[] Of(string name) => _keys[name];

    internal void Remove(string name) => _keys.Remove(name);

    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken) => new([]);

    public IAsyncEnumerable<KeyName> ListAsync(CancellationToken cancellationToken) => _keys.Keys.Select(name => new KeyName(name)).ToAsyncEnumerable();

    public ValueTask<KeyMaterial> GetAsync(KeyName name, CancellationToken cancellationToken)
    {
        if (!_keys.TryGetValue($"{name}", out byte[]? bytes))
        {
            throw new StorageException(StorageErrorKind.NotFound, $"key {name}", "there is no such key");
        }

        KeyMaterial key = new(bytes.Length);
        bytes.CopyTo(key.Bytes);
        return new(key);
    }

    public ValueTask<Plan> PlanCreateAsync(KeyName name, int length, CancellationToken cancellationToken) => throw new InvalidOperationException("no test makes keys here");

    public ValueTask<Plan> PlanDeleteAsync(KeyName name, CancellationToken cancellationToken) => throw new InvalidOperationException("no test removes keys here");
}
