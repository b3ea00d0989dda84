using EveStorage.Conformance;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace EveStorage.Tests;

/// <summary>Gets a backend out of a plugin as a host does, through its registration, with a place in memory for its pool.</summary>
internal sealed class FilePools : IPluginRegistrar, IEventSink, IDisposable
{
    private readonly string _directory = $"/dev/shm/evestorage-{Guid.NewGuid():N}";
    private Func<PluginServices, IStorageBackend>? _create;

    internal FilePools(IStoragePlugin plugin)
    {
        Directory.CreateDirectory(_directory);
        plugin.Register(this);
    }

    private string Place => Path.Combine(_directory, "data");

    internal BackendBench Bench => new()
    {
        Make = () => _create!(new()
        {
            Loggers = NullLoggerFactory.Instance,
            Time = TimeProvider.System,
            Events = this,
            Name = "data",
            Devices = [Place],
        }),
        Spec = new() { Name = new("data"), Devices = [Place] },
        Run = ConformancePlans.RunAsync,
        Foreign = new ForeignFile(Place),
    };

    public void AddBackend<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IStorageBackend> create)
        where TOptions : class, new() => _create = services => create(new(), services);

    public void AddTransport<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IVolumeTransport> create)
        where TOptions : class, new() => throw new InvalidOperationException();

    public void AddLayer<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IVolumeLayer> create)
        where TOptions : class, new() => throw new InvalidOperationException();

    public void AddKeyProvider<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IKeyProvider> create)
        where TOptions : class, new() => throw new InvalidOperationException();

    public void AddFrontEnd<TOptions>(string kind, IValidateOptions<TOptions> rules, Func<TOptions, PluginServices, IFrontEnd> create)
        where TOptions : class, new() => throw new InvalidOperationException();

    public void AddImageFormat(string kind, Func<PluginServices, IImageFormat> create) => throw new InvalidOperationException();

    public void Report(StorageEvent storageEvent)
    {
        // Nothing here is about events.
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private sealed class ForeignFile(string place) : IForeignThing
    {
        private string Path => System.IO.Path.Combine(place, "precious");

        public async ValueTask PutAsync(CancellationToken cancellationToken)
        {
            Directory.CreateDirectory(place, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            await File.WriteAllTextAsync(Path, "foreign", cancellationToken);
        }

        public async ValueTask<bool> IsThereAsync(CancellationToken cancellationToken) => File.Exists(Path) && await File.ReadAllTextAsync(Path, cancellationToken) == "foreign";

        public ValueTask RemoveAsync(CancellationToken cancellationToken)
        {
            if (Directory.Exists(place))
            {
                Directory.Delete(place, recursive: true);
            }

            return ValueTask.CompletedTask;
        }
    }
}
