using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using EveStorage.Cli.Api;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Cli.Client;

/// <summary>A daemon, over its socket.</summary>
internal sealed class RemoteApi : IStorageApi
{
    private readonly HttpClient _http;
    private readonly string _descriptorSocket;

    private RemoteApi(string socket)
    {
        _descriptorSocket = DescriptorPath.Of(socket);
        _http = new(new SocketsHttpHandler { ConnectCallback = async (_, cancellationToken) => new NetworkStream(await ConnectAsync(socket, cancellationToken), ownsSocket: true) })
        {
            BaseAddress = new("http://localhost/v1/"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>How long it may take to say who it is.</summary>
    internal TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Connects, or answers null when nobody listens there.</summary>
    /// <exception cref="StorageException">One does, and the caller may not use it, or it takes no more.</exception>
    internal static async Task<RemoteApi?> TryConnectAsync(string socket, CancellationToken cancellationToken)
    {
        // Asking costs less than being refused, which is how most commands without a daemon would begin. Where it can't be told, trying does.
        if (!File.Exists(socket) && Directory.Exists(Path.Combine(Path.GetDirectoryName(socket)!, ".")))
        {
            return null;
        }

        try
        {
            (await ConnectAsync(socket, cancellationToken)).Dispose();
            return new(socket);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AccessDenied)
        {
            throw new StorageException(StorageErrorKind.Unavailable, socket, "may not be used by you: run it as root, or be in the group that Api:Group names", e);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.ConnectionRefused)
        {
            return null;   // ENOENT; or ECONNREFUSED, since a daemon that was killed leaves its socket
        }
        catch (SocketException e)
        {
            throw new StorageException(StorageErrorKind.Unavailable, socket, $"can't be connected to ({e.Message}): try again", e);
        }
    }

    /// <inheritdoc/>
    public async Task<HostReport> GetHostAsync(CancellationToken cancellationToken)
    {
        // What is asked first, and needs no work: a daemon that does not tell who it is answers nothing else.
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            return await GetAsync<HostReport>("host", limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StorageException(StorageErrorKind.Unavailable, "daemon", $"has answered nothing for {Patience.TotalSeconds:0} s: see its log, and restart it if it hangs");
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<PluginReport>> ListPluginsAsync(CancellationToken cancellationToken) => GetAsync<IReadOnlyList<PluginReport>>("plugins", cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<DeviceReport>> ListDevicesAsync(CancellationToken cancellationToken) => GetAsync<IReadOnlyList<DeviceReport>>("devices", cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<PoolReport>> ListPoolsAsync(CancellationToken cancellationToken) => GetAsync<IReadOnlyList<PoolReport>>("pools", cancellationToken);

    /// <inheritdoc/>
    public Task<PoolReport> GetPoolAsync(PoolName pool, CancellationToken cancellationToken) => GetAsync<PoolReport>($"pools/{pool}", cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<VolumeReport>> ListVolumesAsync(PoolName? pool, CancellationToken cancellationToken)
        => GetAsync<IReadOnlyList<VolumeReport>>(pool is PoolName name ? $"pools/{name}/volumes" : "volumes", cancellationToken);

    /// <inheritdoc/>
    public Task<VolumeReport> GetVolumeAsync(PoolName pool, VolumeName volume, CancellationToken cancellationToken)
        => GetAsync<VolumeReport>($"pools/{pool}/volumes/{volume}", cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<FileSystemReport>> ListFileSystemsAsync(PoolName? pool, CancellationToken cancellationToken)
        => GetAsync<IReadOnlyList<FileSystemReport>>(pool is PoolName name ? $"pools/{name}/file-systems" : "file-systems", cancellationToken);

    /// <inheritdoc/>
    public Task<FileSystemReport> GetFileSystemAsync(PoolName pool, VolumeName name, CancellationToken cancellationToken)
        => GetAsync<FileSystemReport>($"pools/{pool}/file-systems/{name}", cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<ExportReport>> ListExportsAsync(CancellationToken cancellationToken) => GetAsync<IReadOnlyList<ExportReport>>("exports", cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<OperationReport>> ListOperationsAsync(CancellationToken cancellationToken) => GetAsync<IReadOnlyList<OperationReport>>("operations", cancellationToken);

    /// <inheritdoc/>
    public Task<OperationReport> GetOperationAsync(Guid id, CancellationToken cancellationToken) => GetAsync<OperationReport>($"operations/{id}", cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<OperationReport> WatchOperationAsync(Guid id, CancellationToken cancellationToken)
        => StreamAsync<OperationReport>($"operations/{id}/events", cancellationToken);

    /// <inheritdoc/>
    public async Task CancelOperationAsync(Guid id, CancellationToken cancellationToken)
        => (await SendAsync(new(HttpMethod.Delete, $"operations/{id}"), cancellationToken)).Dispose();

    /// <inheritdoc/>
    public async Task ClearOperationAsync(Guid id, CancellationToken cancellationToken)
        => (await SendAsync(new(HttpMethod.Post, $"operations/{id}/clear"), cancellationToken)).Dispose();

    /// <inheritdoc/>
    public IAsyncEnumerable<EventReport> WatchEventsAsync(bool follow, CancellationToken cancellationToken)
        => StreamAsync<EventReport>($"events?follow={(follow ? "true" : "false")}", cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<KeyName>> ListKeysAsync(CancellationToken cancellationToken) => GetAsync<IReadOnlyList<KeyName>>("keys", cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> DiagnoseAsync(CancellationToken cancellationToken) => GetAsync<IReadOnlyList<Finding>>("findings", cancellationToken);

    /// <inheritdoc/>
    public async Task<string> GetMetricsAsync(CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(new(HttpMethod.Get, "/metrics"), cancellationToken);
        return await AnsweredAsync(() => response.Content.ReadAsStringAsync(cancellationToken));
    }

    /// <inheritdoc/>
    public Task<ImageReport> InspectImageAsync(SafeFileHandle image, string name, string? format, CancellationToken cancellationToken)
        => PostAsync<ImageReport>($"images/inspect?name={Uri.EscapeDataString(name)}{(format is null ? "" : $"&format={Uri.EscapeDataString(format)}")}", null, image, cancellationToken);

    /// <inheritdoc/>
    public async Task<ImageReport> InspectUrlAsync(UrlQuestion question, CancellationToken cancellationToken)
    {
        // In its body: what stands behind the ? of a URL is often what opens it, and addresses are logged.
        using HttpRequestMessage message = new(HttpMethod.Post, "images/inspect-url") { Content = JsonContent.Create(question, ApiJson.TypeOf<UrlQuestion>()) };
        using HttpResponseMessage response = await SendAsync(message, cancellationToken);
        return await AnsweredAsync(() => ReadAsync<ImageReport>(response, cancellationToken));
    }

    /// <inheritdoc/>
    public Task<PlanReport> PlanAsync(ChangeRequest request, SafeFileHandle? image, CancellationToken cancellationToken)
        => PostAsync<PlanReport>("operations?plan=true", request, image, cancellationToken);

    /// <inheritdoc/>
    public async Task<Guid> SubmitAsync(ChangeRequest request, SafeFileHandle? image, CancellationToken cancellationToken)
        => (await PostAsync<OperationReport>("operations", request, image, cancellationToken)).Id;

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    private static async Task<Socket> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<T> GetAsync<T>(string path, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(new(HttpMethod.Get, path), cancellationToken);
        return await AnsweredAsync(() => ReadAsync<T>(response, cancellationToken));
    }

    private async Task<T> PostAsync<T>(string path, ChangeRequest? request, SafeFileHandle? image, CancellationToken cancellationToken)
    {
        using HttpRequestMessage message = new(HttpMethod.Post, path);
        message.Content = request is null ? null : JsonContent.Create(request, ApiJson.TypeOf<ChangeRequest>());
        using DescriptorOffer? offer = image is null ? null : await DescriptorOffer.SendAsync(_descriptorSocket, image, cancellationToken);
        if (offer is not null)
        {
            message.Headers.Add(DescriptorPath.Header, offer.Token);
        }

        using HttpResponseMessage response = await SendAsync(message, cancellationToken);
        return await AnsweredAsync(() => ReadAsync<T>(response, cancellationToken));
    }

    private async IAsyncEnumerable<T> StreamAsync<T>(string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        const string Data = "data:";
        using HttpResponseMessage response = await SendAsync(new(HttpMethod.Get, path), cancellationToken);
        using StreamReader lines = new(await response.Content.ReadAsStreamAsync(cancellationToken));
        while (await AnsweredAsync(() => lines.ReadLineAsync(cancellationToken).AsTask()) is string line)
        {
            if (line.StartsWith(Data, StringComparison.Ordinal))
            {
                yield return await AnsweredAsync(() => Task.FromResult(JsonSerializer.Deserialize(line.AsSpan(Data.Length), ApiJson.TypeOf<T>())!));
            }
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellationToken)
    {
        HttpResponseMessage response = await AnsweredAsync(() => _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken));
        if (!response.IsSuccessStatusCode)
        {
            using (response)
            {
                throw await ErrorOfAsync(response, cancellationToken);
            }
        }

        return response;
    }

    // A daemon that stops ends its answers wherever they are.
    private static async Task<T> AnsweredAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.InvalidResponse)
        {
            throw new StorageException(StorageErrorKind.Unavailable, "daemon", "is none of ours: what listens on the socket that Api:Socket or Run names speaks no HTTP", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
        {
            throw new StorageException(StorageErrorKind.Unavailable, "daemon", "went away: see its log, and start it again", e);
        }
        catch (JsonException e)
        {
            throw new StorageException(StorageErrorKind.Unavailable, "daemon", $"answered what this program can't read ({e.Message}): restart it, if it has another version", e);
        }
    }

    private static async Task<StorageException> ErrorOfAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            if (await response.Content.ReadFromJsonAsync(ApiJson.TypeOf<Problem>(), cancellationToken) is Problem { Subject: not null, Message: not null } error)
            {
                return new(error.Kind, error.Subject, error.Message);
            }
        }
        catch (Exception e) when (e is JsonException or IOException or HttpRequestException)
        {
            // cut off, not from our daemon, or from one of another version: the status is all there is
        }

        return new(response.StatusCode == HttpStatusCode.Forbidden ? StorageErrorKind.Unavailable : StorageErrorKind.Io, "daemon", $"answered {(int)response.StatusCode} without a word, as none of ours does: is what listens on the socket that Api:Socket or Run names another program?");
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken)
        => await response.Content.ReadFromJsonAsync(ApiJson.TypeOf<T>(), cancellationToken)
            ?? throw new StorageException(StorageErrorKind.Io, "daemon", "answered nothing");
}
