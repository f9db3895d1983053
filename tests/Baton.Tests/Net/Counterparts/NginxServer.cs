namespace Baton.Tests.Net.Counterparts;

/// <summary>An nginx of the tests' own: plain, with TLS, and with TLS that asks for the client's certificate.</summary>
public sealed class NginxServer : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CounterpartProcess? _process;

    public NginxServer()
    {
        if (!CounterpartProcess.IsInstalled("nginx"))
        {
            return;
        }

        Port = CounterpartProcess.FreePort();
        TlsPort = CounterpartProcess.FreePort();
        MutualTlsPort = CounterpartProcess.FreePort();
        Directory.CreateDirectory(_folder["files"]);
        File.WriteAllText(_folder["nginx.conf"], Configuration());
        _process = CounterpartProcess.StartServer("nginx", ["-e", "stderr", "-p", _folder.Path, "-c", _folder["nginx.conf"]]);
        _process.WaitForLine("start worker process ").GetAwaiter().GetResult();
    }

    public TestAuthority Authority { get; } = new();

    public int Port { get; }

    /// <summary>With a certificate of <see cref="Authority"/>.</summary>
    public int TlsPort { get; }

    /// <summary>Asks for a certificate of <see cref="Authority"/>.</summary>
    public int MutualTlsPort { get; }

    /// <summary>Where a file is that is served as /NAME, or as /slow/NAME with 20 KiB a second.</summary>
    public string FileOf(string name) => Path.Combine(_folder["files"], name);

    public void Dispose()
    {
        _process?.Dispose();
        Authority.Dispose();
        _folder.Dispose();
    }

    private string Configuration() => $$"""
        daemon off;
        {{(Environment.IsPrivilegedProcess ? "user root;" : "")}}
        pid {{_folder["pid"]}};
        error_log stderr notice;
        worker_processes 1;
        events { worker_connections 1024; }
        http {
            access_log off;
            default_type text/plain;
            client_body_temp_path {{_folder["temp-body"]}};
            proxy_temp_path {{_folder["temp-proxy"]}};
            fastcgi_temp_path {{_folder["temp-fastcgi"]}};
            uwsgi_temp_path {{_folder["temp-uwsgi"]}};
            scgi_temp_path {{_folder["temp-scgi"]}};
            client_max_body_size 100m;
            keepalive_requests 100000;
            ssl_certificate {{Authority.ServerCertificateFile}};
            ssl_certificate_key {{Authority.ServerKeyFile}};
            ssl_protocols TLSv1.2 TLSv1.3;
            server {
                listen 127.0.0.1:{{Port}} backlog=512;
                listen 127.0.0.1:{{TlsPort}} ssl backlog=512;
                root {{_folder["files"]}};
                location / { dav_methods PUT; }
                location /connection { return 200 "$request_uri $connection $connection_requests"; }
                location /brief { keepalive_requests 3; return 200 "$connection"; }
                location /tls { return 200 "$ssl_protocol $ssl_session_reused"; }
                location /slow/ { limit_rate 20k; alias {{_folder["files"]}}/; }
                location ~ ^/to/(?<port>\d+)(?<path>/.*)$ { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://127.0.0.1:$port$path; }
            }
            server {
                listen 127.0.0.1:{{MutualTlsPort}} ssl;
                ssl_client_certificate {{Authority.CertificateFile}};
                ssl_verify_client on;
                location / { return 200 "$ssl_client_s_dn"; }
            }
        }
        """;
}
