using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using EveStorage.NvmeOf;
using EveStorage.NvmetUser;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace EveStorage.Tests;

/// <summary>DH-HMAC-CHAP between a real kernel's host and our target.</summary>
[Collection(OnOneGuest.Name)]
public sealed class AuthenticationTests(ServedGuest served)
{
    private static readonly Nqn s_subsystem = new("nqn.2026-01.org.evestorage:secret");
    private static readonly HostNqn s_host = new("nqn.2014-08.org.example:prover");

    [Theory]
    [InlineData(DhChapHash.Sha256, DhChapGroup.Null)]
    [InlineData(DhChapHash.Sha512, DhChapGroup.Ffdhe2048)]
    public async Task The_kernel_proves_its_key_and_has_ours_proven_on_every_queue(DhChapHash hash, DhChapGroup group)
    {
        Guest guest = served.Guest;
        await using SecretTarget target = await SecretTarget.StartAsync(hash, group);
        string disk = Guest.Disk($"{s_subsystem}");

        foreach (string more in (string[])["", $" --dhchap-ctrl-secret={Text("controller1")}"])
        {
            (int code, _, string error) = await guest.ConnectAsync(target.Port, $"{s_subsystem}", $"{s_host}", $"--dhchap-secret={Text("host1")}{more}");
            code.ShouldBe(0, error + await guest.RunAsync("dmesg | tail -20"));
            await guest.RunAsync($"dd if=/dev/urandom of={disk} bs=64k count=4 oflag=direct && dd if={disk} of=/dev/null bs=64k count=4 iflag=direct");
            await guest.RunAsync($"nvme disconnect -n {s_subsystem}");
        }

        target.Told.ShouldNotContain(e => e.Id == "host.refused");
    }

    [Theory]
    [InlineData("", "left before")]
    [InlineData("--dhchap-secret=host2", "has another key")]
    [InlineData("--dhchap-secret=host1 --dhchap-ctrl-secret=controller2", "controller keys differ")]
    public async Task The_kernel_with_another_key_or_none_gets_no_disk(string keys, string told)
    {
        Guest guest = served.Guest;
        await using SecretTarget target = await SecretTarget.StartAsync(DhChapHash.Sha256, DhChapGroup.Ffdhe2048);
        string words = string.Join(' ', keys.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(k => $"{k.Split('=')[0]}={Text(k.Split('=')[1])}"));

        (int code, _, _) = await guest.ConnectAsync(target.Port, $"{s_subsystem}", $"{s_host}", words);

        code.ShouldNotBe(0);
        target.Told.ShouldContain(e => e.Id == "host.refused" && e.Message.Contains(told), string.Join("; ", target.Told));
        (await guest.RunAsync($"grep -l {s_subsystem} /sys/class/nvme-subsystem/*/subsysnqn || true")).ShouldBe("");
    }

    private static byte[] Key(string name) => SHA256.HashData(Encoding.UTF8.GetBytes(name));

    private static string Text(string name)
    {
        using DhChapSecret secret = DhChapSecret.OfKey(Key(name), name);
        using KeyMaterial text = secret.ToText();
        return Encoding.ASCII.GetString(text.Bytes);
    }

    /// <summary>The transport in this process, as a host makes it, with one volume in memory and keys by name.</summary>
    private sealed class SecretTarget : IAsyncDisposable, IPluginRegistrar, IEventSink, IKeyProvider, IBlockSource
    {
        private readonly byte[] _bytes = new byte[1 << 20];
        private readonly Lock _gate = new();
        private readonly List<StorageEvent> _told = [];
        private readonly DhChapHash _hash;
        private readonly DhChapGroup _group;
        private IVolumeTransport? _transport;

        private SecretTarget(DhChapHash hash, DhChapGroup group)
        {
            (_hash, _group) = (hash, group);
            using TcpListener free = new(IPAddress.Loopback, 0);
            free.Start();
            Port = ((IPEndPoint)free.LocalEndpoint).Port;
        }

        internal int Port { get; }

        internal IReadOnlyList<StorageEvent> Told
        {
            get
            {
                lock (_gate)
                {
                    return [.. _told];
                }
            }
        }

        public ByteSize Size => new(_bytes.Length);

        internal static async Task<SecretTarget> StartAsync(DhChapHash hash, DhChapGroup group)
        {
            SecretTarget target = new(hash, group);
            new NvmetUserPlugin().Register(target);
            ExportSpec spec = new()
            {
                VolumeId = Guid.NewGuid(),
                Subject = "data/secret",
                Subsystem = s_subsystem,
                AllowedHosts = [new(s_host, new("host1")) { ControllerKey = new("controller1") }],
            };
            VolumeAccess access = new() { OpenBlocksAsync = (_, _) => new(target) };
            Plan plan = await target._transport!.PlanExportAsync(spec, access, CancellationToken.None);
            OperationContext operation = new(new() { Id = Guid.NewGuid() }, NullLogger.Instance, new Progress<StepProgress>(), TimeProvider.System);
            await plan.Steps.Single().ApplyAsync(operation, CancellationToken.None);
            return target;
        }

        public void AddTransport<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IVolumeTransport> create)
            where TOptions : class, new()
        {
            NvmetUserOptions options = new() { Port = Port, SpinMicroseconds = 0, HandshakeSeconds = 60, RequireAuthentication = true, AuthenticationHash = _hash, AuthenticationGroup = _group };
            _transport = create((TOptions)(object)options, new() { Loggers = NullLoggerFactory.Instance, Time = TimeProvider.System, Events = this, Name = kind, Keys = this });
        }

        public void Report(StorageEvent storageEvent)
        {
            lock (_gate)
            {
                _told.Add(storageEvent);
            }
        }

        ValueTask<KeyMaterial> IKeyProvider.GetAsync(KeyName name, CancellationToken cancellationToken)
        {
            KeyMaterial key = new(32);
            Key($"{name}").CopyTo(key.Bytes);
            return new(key);
        }

        public bool TryRead(long offset, Span<byte> destination) => _bytes.AsSpan((int)offset, destination.Length).TryCopyTo(destination);

        public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken) => new(Task.FromResult(TryRead(offset, destination.Span)));

        public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken)
        {
            source.Span.CopyTo(_bytes.AsSpan((int)offset));
            return ValueTask.CompletedTask;
        }

        public ValueTask FlushAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        // Of the transport, which closes its volume in turn; that is this very object.
        public async ValueTask DisposeAsync()
        {
            IVolumeTransport? transport = Interlocked.Exchange(ref _transport, null);
            await (transport?.DisposeAsync() ?? ValueTask.CompletedTask);
        }

        ValueTask<IReadOnlyList<string>> IKeyProvider.ProbeAsync(CancellationToken cancellationToken) => new([]);

        IAsyncEnumerable<KeyName> IKeyProvider.ListAsync(CancellationToken cancellationToken) => AsyncEnumerable.Empty<KeyName>();

        ValueTask<Plan> IKeyProvider.PlanCreateAsync(KeyName name, int length, CancellationToken cancellationToken) => throw new NotSupportedException();

        ValueTask<Plan> IKeyProvider.PlanDeleteAsync(KeyName name, CancellationToken cancellationToken) => throw new NotSupportedException();

        void IPluginRegistrar.AddBackend<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IStorageBackend> create) => throw new NotSupportedException();

        void IPluginRegistrar.AddLayer<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IVolumeLayer> create) => throw new NotSupportedException();

        void IPluginRegistrar.AddKeyProvider<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IKeyProvider> create) => throw new NotSupportedException();

        void IPluginRegistrar.AddFrontEnd<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IFrontEnd> create) => throw new NotSupportedException();

        void IPluginRegistrar.AddImageFormat(string kind, Func<PluginServices, IImageFormat> create) => throw new NotSupportedException();
    }
}
